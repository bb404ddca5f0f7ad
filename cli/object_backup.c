/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `backup` and `restore` of a secret or a key: the encrypted blob as a file. The file holds the blob's own bytes, as
 * other tools write it, and not its base64url text.
 */
#include "base/encode.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/object.h"

#include <string.h>
#include <unistd.h>

#define BLOB_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define BODY_MAX_BYTES (BLOB_MAX_BYTES / 3 * 4 + 1024)
#define BACKUP_MODE 0600

static bool is_standard_stream(const char *file)
{
    return file == NULL || strcmp(file, "-") == 0;
}

/* ---- backup ---- */

static int write_blob(const char *file, const struct cli_answer *answer)
{
    const hf_str text = hf_json_str(hf_json_member(answer->json, "value"));
    HF_CLEANUP(hf_buf_done) struct hf_buf blob;
    hf_buf_init(&blob, BLOB_MAX_BYTES);
    hf_err err = text.n > 0 ? hf_base64_decode(text, &blob) : HF_E_INVALID;
    if (err != HF_OK)
        return cli_fail(CLI_FAILED, "the answer holds no backup: %s", hf_err_text(err));
    if (is_standard_stream(file))
        return cli_print(hf_buf_view(&blob));
    err = hf_file_write(file, hf_buf_view(&blob), BACKUP_MODE);
    return err == HF_OK ? CLI_OK : cli_fail(CLI_FAILED, "%s: %s", file, hf_err_text(err));
}

static int back_up(const struct cli_input *input, const char *collection)
{
    const char *file = input->values[CLI_BACKUP_TO];
    if (cli_has(input, CLI_JSON) && file != NULL)
        return cli_fail(CLI_USAGE, "--json and --file exclude each other");
    if (!cli_has(input, CLI_JSON) && file == NULL && isatty(STDOUT_FILENO))
        return cli_fail(CLI_USAGE, "a backup is no text for a terminal: give --file");
    HF_CLEANUP(cli_keyvault_done) struct cli_keyvault vault;
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_object_path(&path, collection, input, "/backup");
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    const struct cli_keyvault_call call = { .method = HTTP_POST, .path = &path };
    int code = cli_keyvault_open(input, &vault);
    if (code == CLI_OK)
        code = cli_keyvault_send(&vault, &call, &answer);
    if (code != CLI_OK)
        return code;
    return cli_has(input, CLI_JSON) ? cli_print_line(hf_buf_view(&answer.http.body))
                                    : write_blob(file, &answer);
}

int cli_secret_backup(const struct cli_input *input)
{
    return back_up(input, "/secrets");
}

int cli_key_backup(const struct cli_input *input)
{
    return back_up(input, "/keys");
}

/* ---- restore ---- */

static const struct cli_column restored_columns[] = {
    { "Name", "id|key.kid", CLI_CELL_NAME },
    { "Version", "id|key.kid", CLI_CELL_VERSION },
    { "Id", "id|key.kid", CLI_CELL_PLAIN },
    { "Enabled", "attributes.enabled", CLI_CELL_PLAIN },
    { "Created", "attributes.created", CLI_CELL_TIME },
};

/* {"value":"<base64url>"} */
static int put_blob(const char *file, struct hf_buf *body)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf blob;
    hf_buf_init(&blob, BLOB_MAX_BYTES);
    const hf_err err = is_standard_stream(file) ? hf_file_read_fd(STDIN_FILENO, &blob)
                                                : hf_file_read(file, &blob);
    if (err != HF_OK)
        return cli_fail(CLI_FAILED, "%s: %s", is_standard_stream(file) ? "standard input" : file,
                        hf_err_text(err));
    if (blob.n == 0)
        return cli_fail(CLI_FAILED, "the backup is empty");
    hf_buf_put_c(body, "{\"value\":\"");
    hf_buf_put_base64url(body, hf_buf_view(&blob));
    hf_buf_put_c(body, "\"}");
    return CLI_OK;
}

static int restore(const struct cli_input *input, const char *path_text)
{
    const char *file = input->values[CLI_BACKUP_FROM];
    if (file == NULL && isatty(STDIN_FILENO))
        return cli_fail(CLI_USAGE, "a backup cannot be typed: give --file");
    HF_CLEANUP(cli_keyvault_done) struct cli_keyvault vault;
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    hf_buf_init(&path, CLI_OBJECT_PATH_MAX_BYTES);
    hf_buf_init(&body, BODY_MAX_BYTES);
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    hf_buf_put_c(&path, path_text);
    int code = cli_keyvault_open(input, &vault);
    if (code == CLI_OK)
        code = put_blob(file, &body);
    const struct cli_keyvault_call call = { .method = HTTP_POST, .path = &path, .body = &body };
    if (code == CLI_OK)
        code = cli_keyvault_send(&vault, &call, &answer);
    if (code != CLI_OK)
        return code;
    return cli_show_answer(input, restored_columns, HF_ARRAY_LEN(restored_columns), &answer);
}

int cli_secret_restore(const struct cli_input *input)
{
    return restore(input, "/secrets/restore");
}

int cli_key_restore(const struct cli_input *input)
{
    return restore(input, "/keys/restore");
}
