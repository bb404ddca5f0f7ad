/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast identity credential …`. A new secret is in the server's answer once and nowhere else: it is printed, and
 * cleared here.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memmem */
#endif
#include "base/file.h"
#include "cli/commands.h"
#include "cli/message.h"

#include <string.h>
#include <unistd.h>

#define BODY_MAX_BYTES ((size_t)128 * 1024)
#define CERTIFICATE_FILE_MAX_BYTES ((size_t)64 * 1024)

static const struct cli_column list_columns[] = {
    { "KEY", "id", CLI_CELL_PLAIN },         { "KIND", "kind", CLI_CELL_PLAIN },
    { "CREATED", "created", CLI_CELL_TIME }, { "EXPIRES", "expires", CLI_CELL_TIME },
    { "SHA-256", "sha256", CLI_CELL_PLAIN },
};

static const struct cli_column certificate_columns[] = {
    { "Key", "id", CLI_CELL_PLAIN },         { "Kind", "kind", CLI_CELL_PLAIN },
    { "Created", "created", CLI_CELL_TIME }, { "Expires", "expires", CLI_CELL_TIME },
    { "SHA-256", "sha256", CLI_CELL_PLAIN },
};

static const struct cli_column secret_columns[] = {
    { "Key", "id", CLI_CELL_PLAIN },         { "Kind", "kind", CLI_CELL_PLAIN },
    { "Created", "created", CLI_CELL_TIME }, { "Expires", "expires", CLI_CELL_TIME },
    { "Secret", "secret", CLI_CELL_PLAIN },
};

static void put_path(struct hf_buf *path, const struct cli_input *input)
{
    hf_buf_init(path, CLI_LOCAL_PATH_MAX_BYTES);
    hf_buf_put_c(path, "/identities");
    cli_put_segment(path, input->arguments[0]);
    hf_buf_put_c(path, "/credentials");
}

int cli_credential_list(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    put_path(&path, input);
    return cli_show_list_at(input, &path, list_columns, HF_ARRAY_LEN(list_columns));
}

int cli_credential_delete(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    put_path(&path, input);
    cli_put_segment(&path, input->arguments[1]);
    return cli_send_change(input, &(struct cli_local_call){ .method = HTTP_DELETE, .path = &path });
}

/* ---- add ---- */

static const char *find_text(hf_str text, const char *wanted)
{
    return memmem(text.p, text.n, wanted, strlen(wanted));
}

/* The file may hold a private key as well: only the first certificate leaves it. */
static bool first_certificate(hf_str file, hf_str *out)
{
    static const char begin_line[] = "-----BEGIN CERTIFICATE-----";
    static const char end_line[] = "-----END CERTIFICATE-----";
    if (file.n == 0)
        return false;
    const char *begin = find_text(file, begin_line);
    if (begin == NULL)
        return false;
    const hf_str rest = hf_str_sub(file, (size_t)(begin - file.p), SIZE_MAX);
    const char *end = find_text(rest, end_line);
    if (end == NULL)
        return false;
    *out = hf_str_sub(rest, 0, (size_t)(end - rest.p) + sizeof(end_line) - 1);
    return true;
}

static int put_certificate(const struct cli_input *input, struct hf_json_writer *w)
{
    const char *path = input->values[CLI_CERTIFICATE];
    if (path == NULL)
        return CLI_OK;
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    hf_buf_init_secret(&file, CERTIFICATE_FILE_MAX_BYTES);
    const hf_err err = hf_file_read(path, &file);
    if (err != HF_OK)
        return cli_fail(CLI_FAILED, "%s: %s", path, hf_err_text(err));
    hf_str certificate;
    if (!first_certificate(hf_buf_str(&file), &certificate))
        return cli_fail(CLI_FAILED, "%s: holds no certificate in PEM form", path);
    hf_jw_member_str(w, "certificate", certificate);
    return CLI_OK;
}

static int put_expiry(const struct cli_input *input, struct hf_json_writer *w)
{
    if (!cli_has(input, CLI_EXPIRES_IN))
        return CLI_OK;
    int64_t usec = 0;
    const int code = cli_read_duration("--expires-in", input->values[CLI_EXPIRES_IN], &usec);
    if (code != CLI_OK)
        return code;
    const struct hf_clock clock = { 0 };
    const hf_usec now = hf_clock_now(&clock);
    if (usec > INT64_MAX - now)
        return cli_fail(CLI_USAGE, "--expires-in: is too long");
    hf_jw_member_int(w, "expires", hf_usec_to_seconds(now + usec));
    return CLI_OK;
}

static int show_added(const struct cli_input *input, const struct cli_answer *answer)
{
    const hf_str secret = hf_json_str(hf_json_member(answer->json, "secret"));
    if (cli_has(input, CLI_SECRET_ONLY)) {
        if (secret.p == NULL)
            return cli_fail(CLI_FAILED, "this kind of credential has no secret to show");
        return cli_print_line(hf_str_bytes(secret));
    }
    if (secret.p == NULL)
        return cli_show_answer(input, certificate_columns, HF_ARRAY_LEN(certificate_columns),
                               answer);
    const int code = cli_show_answer(input, secret_columns, HF_ARRAY_LEN(secret_columns), answer);
    if (code == CLI_OK && isatty(STDERR_FILENO))
        cli_note("keep the secret now: it is not stored and cannot be shown again");
    return code;
}

/* What the kind has no use for is refused before anything is sent. */
static int check_kind(const struct cli_input *input)
{
    const bool is_certificate = strcmp(input->values[CLI_CREDENTIAL_KIND], "certificate") == 0;
    if (is_certificate && !cli_has(input, CLI_CERTIFICATE))
        return cli_fail(CLI_USAGE, "--certificate FILE is missing");
    if (is_certificate && (cli_has(input, CLI_EXPIRES_IN) || cli_has(input, CLI_SECRET_ONLY)))
        return cli_fail(CLI_USAGE, "a certificate has its own end, and no secret to print");
    if (!is_certificate && cli_has(input, CLI_CERTIFICATE))
        return cli_fail(CLI_USAGE, "--certificate goes with --kind certificate only");
    return CLI_OK;
}

static int put_body(const struct cli_input *input, struct hf_buf *body)
{
    struct hf_json_writer w = hf_json_writer_on(body);
    hf_jw_begin_object(&w);
    hf_jw_member_c(&w, "kind", input->values[CLI_CREDENTIAL_KIND]);
    int code = put_certificate(input, &w);
    if (code == CLI_OK)
        code = put_expiry(input, &w);
    hf_jw_end_object(&w);
    return code;
}

int cli_credential_add(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    put_path(&path, input);
    hf_buf_init(&body, BODY_MAX_BYTES);
    int code = check_kind(input);
    if (code == CLI_OK)
        code = put_body(input, &body);
    if (code != CLI_OK)
        return code;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    const struct cli_local_call call = { .method = HTTP_POST, .path = &path, .body = &body };
    code = cli_local_send(input, &call, &answer);
    return code == CLI_OK ? show_added(input, &answer) : code;
}
