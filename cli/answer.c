/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending, and reading answers and errors in the forms of Key Vault, of the token endpoints and of the local door.
 */
#include "cli/answer.h"

#include "base/encode.h"
#include "cli/message.h"

#define CHALLENGE_MAX_BYTES ((size_t)8 * 1024)

void cli_answer_init(struct cli_answer *answer, size_t max)
{
    *answer = (struct cli_answer){ 0 };
    hf_buf_init_secret(&answer->http.body, max);
    hf_buf_init(&answer->http.www_authenticate, CHALLENGE_MAX_BYTES);
}

void cli_answer_done(struct cli_answer *answer)
{
    hf_json_free(answer->json);
    hf_buf_done(&answer->http.body);
    hf_buf_done(&answer->http.www_authenticate);
    answer->json = NULL;
}

int cli_answer_get(const struct http_client_request *request, const char *peer,
                   struct cli_answer *answer)
{
    struct hf_diag diag = { 0 };
    hf_err err = http_client_send(request, &diag, &answer->http);
    if (err != HF_OK)
        return cli_fail(cli_exit_of_err(err), "%s: %s", peer,
                        diag.text[0] != '\0' ? diag.text : hf_err_text(err));
    if (answer->http.body.n == 0)
        return CLI_OK;
    struct hf_diag ignored = { 0 };
    err = hf_json_parse(hf_buf_view(&answer->http.body), &ignored, &answer->json);
    if (err == HF_E_NOMEM)
        return cli_fail(CLI_FAILED, "%s", hf_err_text(err));
    return CLI_OK; /* an error page that is no JSON is told by its status */
}

/* {"error":{"message":…}}, {"error":…,"error_description":…} or {"message":…} */
static hf_str find_message(const struct hf_json *json)
{
    const struct hf_json *error = hf_json_member(json, "error");
    const struct hf_json *candidates[] = {
        hf_json_member(error, "message"),
        hf_json_member(json, "error_description"),
        hf_json_member(json, "message"),
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(candidates); i++) {
        const hf_str text = hf_json_str(candidates[i]);
        if (text.n > 0)
            return text;
    }
    return (hf_str){ NULL, 0 };
}

int cli_answer_check(const struct cli_answer *answer, const char *peer)
{
    const int status = answer->http.status;
    const enum cli_exit code = cli_exit_of_status(status);
    const hf_str message = find_message(answer->json);
    if (code != CLI_OK && message.n > 0)
        return cli_fail(code, "%.*s", HF_STR_ARG(message));
    if (code != CLI_OK)
        return cli_fail(code, "%s answered with status %d", peer, status);
    if (answer->http.body.n > 0 && answer->json == NULL)
        return cli_fail(CLI_FAILED, "%s sent an answer that is no JSON", peer);
    return CLI_OK;
}

int cli_answer_send(const struct http_client_request *request, const char *peer,
                    struct cli_answer *answer)
{
    const int code = cli_answer_get(request, peer, answer);
    return code == CLI_OK ? cli_answer_check(answer, peer) : code;
}

void cli_put_segment(struct hf_buf *path, const char *name)
{
    hf_buf_put_u8(path, '/');
    hf_buf_put_percent(path, hf_str_from_c(name));
}
