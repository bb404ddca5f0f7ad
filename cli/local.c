/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests over the local socket.
 */
#include "cli/local.h"

#include "cli/message.h"

#include <stdlib.h>

#define DEFAULT_SOCKET "/var/lib/holdfast/admin.sock"
#define LOCAL_TIMEOUT (60 * HF_USEC_PER_SEC)
#define LOCAL_URL "http://localhost" /* names nobody: the socket decides */

static const struct http_header json_headers[] = {
    { { "content-type", sizeof("content-type") - 1 },
      { "application/json", sizeof("application/json") - 1 } },
};

const char *cli_local_socket(const struct cli_input *input)
{
    if (cli_has(input, CLI_SOCKET))
        return input->values[CLI_SOCKET];
    const char *from_environment = getenv("HOLDFAST_SOCKET");
    return from_environment != NULL && from_environment[0] != '\0' ? from_environment
                                                                   : DEFAULT_SOCKET;
}

static struct http_client_request make_request(const char *socket, enum http_method method,
                                               const char *url)
{
    return (struct http_client_request){
        .method = method, .url = url, .local_socket = socket, .timeout = LOCAL_TIMEOUT
    };
}

static int tell_unreachable(const char *socket, hf_err err, const struct hf_diag *diag)
{
    return cli_fail(cli_exit_of_err(err),
                    "no server answers at %s (%s); is it running, and may you "
                    "use its socket? See --socket",
                    socket, diag->text[0] != '\0' ? diag->text : hf_err_text(err));
}

/* Like cli_answer_get(), with a message that says what to look at. */
static int exchange(const struct http_client_request *request, struct cli_answer *answer)
{
    struct hf_diag diag = { 0 };
    hf_err err = http_client_send(request, &diag, &answer->http);
    if (err != HF_OK)
        return tell_unreachable(request->local_socket, err, &diag);
    if (answer->http.body.n > 0)
        err = hf_json_parse(hf_buf_view(&answer->http.body), &diag, &answer->json);
    if (err != HF_OK && answer->http.status == 200)
        return cli_fail(CLI_FAILED, "%s: the answer is no JSON: %s", request->local_socket,
                        diag.text);
    return cli_answer_check(answer, request->local_socket);
}

int cli_local_send(const struct cli_input *input, const struct cli_local_call *call,
                   struct cli_answer *answer)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf url;
    hf_buf_init(&url, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(&url, LOCAL_URL);
    hf_buf_put_str(&url, hf_buf_str(call->path));
    hf_buf_put_u8(&url, 0);
    hf_err err = hf_buf_err(call->path);
    if (err == HF_OK)
        err = hf_buf_err(&url);
    if (err == HF_OK && call->body != NULL)
        err = hf_buf_err(call->body);
    if (err != HF_OK)
        return cli_fail(CLI_FAILED, "%s: %s", input->command->name, hf_err_text(err));
    struct http_client_request request = make_request(cli_local_socket(input), call->method,
                                                      (const char *)url.p);
    if (call->body != NULL) {
        request.body = hf_buf_view(call->body);
        request.headers = json_headers;
        request.header_count = HF_ARRAY_LEN(json_headers);
    }
    return exchange(&request, answer);
}

int cli_local_get(const struct cli_input *input, const char *path, struct cli_answer *answer)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(&text, path);
    const struct cli_local_call call = { .method = HTTP_GET, .path = &text };
    return cli_local_send(input, &call, answer);
}

hf_err cli_local_try(const char *socket, const char *path, struct cli_answer *answer)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf url;
    hf_buf_init(&url, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_putf(&url, "%s%s", LOCAL_URL, path);
    hf_buf_put_u8(&url, 0);
    hf_err err = hf_buf_err(&url);
    if (err != HF_OK)
        return err;
    const struct http_client_request request = make_request(socket, HTTP_GET, (const char *)url.p);
    struct hf_diag ignored = { 0 };
    err = http_client_send(&request, &ignored, &answer->http);
    if (err == HF_OK && answer->http.status != 200)
        err = HF_E_FORBIDDEN;
    return err == HF_OK ? hf_json_parse(hf_buf_view(&answer->http.body), &ignored, &answer->json)
                        : err;
}
