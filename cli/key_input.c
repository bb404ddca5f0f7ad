/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared steps of the commands that use a key.
 */
#include "cli/key_input.h"

#include "base/encode.h"
#include "base/file.h"
#include "cli/message.h"

#include <string.h>
#include <unistd.h>

#define FILE_ARGUMENT 1 /* behind the key's name */

const char *cli_key_file(const struct cli_input *input)
{
    const bool is_given = input->argument_count > FILE_ARGUMENT;
    return is_given && strcmp(input->arguments[FILE_ARGUMENT], "-") != 0
               ? input->arguments[FILE_ARGUMENT]
               : NULL;
}

const char *cli_key_file_name(const char *file)
{
    return file == NULL ? "standard input" : file;
}

int cli_key_read(const char *file, struct hf_buf *out)
{
    const bool is_stream = file == NULL || strcmp(file, "-") == 0;
    if (is_stream && isatty(STDIN_FILENO))
        return cli_fail(CLI_USAGE, "nothing can be typed here: give FILE or a pipe");
    const hf_err err = is_stream ? hf_file_read_fd(STDIN_FILENO, out) : hf_file_read(file, out);
    const char *name = cli_key_file_name(is_stream ? NULL : file);
    if (err == HF_E_TOO_LARGE)
        return cli_fail(CLI_FAILED, "%s: larger than %zu bytes, which no vault takes at once", name,
                        out->max);
    if (err != HF_OK)
        return cli_fail(cli_exit_of_err(err), "%s: %s", name, hf_err_text(err));
    return out->n > 0 ? CLI_OK : cli_fail(CLI_FAILED, "%s is empty", name);
}

/* ---- algorithms ---- */

static int refuse_algorithm(const char *name, unsigned use)
{
    char memory[1024];
    struct hf_buf known;
    hf_buf_init_fixed(&known, memory, sizeof(memory));
    const struct crypto_alg *alg = NULL;
    for (size_t i = 0; (alg = crypto_alg_at(i)) != NULL; i++) {
        if ((alg->uses & use) == 0)
            continue;
        hf_buf_put_u8(&known, ' ');
        hf_buf_put_str(&known, alg->name);
    }
    return cli_fail(CLI_USAGE, "--alg: '%s' is not one of%.*s", name,
                    HF_STR_ARG(hf_buf_str(&known)));
}

int cli_key_algorithm(const struct cli_input *input, unsigned use, const struct crypto_alg **out)
{
    const char *name = input->values[CLI_ALGORITHM];
    const struct crypto_alg *alg = crypto_alg_find(hf_str_from_c(name));
    if (alg == NULL || (alg->uses & use) == 0)
        return refuse_algorithm(name, use);
    *out = alg;
    return CLI_OK;
}

/* ---- bytes as text ---- */

static hf_err decode_hex(hf_str text, struct hf_buf *out)
{
    const size_t size = text.n / 2;
    uint8_t *end = hf_buf_reserve(out, size);
    if (end == NULL)
        return hf_buf_err(out);
    const hf_err err = hf_hex_decode(text, end, size);
    if (err == HF_OK)
        hf_buf_commit(out, size);
    return err;
}

int cli_key_decode(const char *name, const char *text, size_t size, struct hf_buf *out)
{
    const hf_str given = hf_str_from_c(text);
    const size_t before = out->n;
    const hf_err err = given.n == 2 * size ? decode_hex(given, out) : hf_base64_decode(given, out);
    if (err != HF_OK || out->n - before != size)
        return cli_fail(CLI_USAGE, "--%s: '%s' is not %zu bytes in hexadecimal or base64url", name,
                        text, size);
    return CLI_OK;
}

int cli_key_decode_content(const char *file, struct hf_buf *buf)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init_secret(&text, buf->max);
    hf_buf_put_str(&text, hf_str_trim(hf_buf_str(buf)));
    hf_buf_reset(buf);
    hf_err err = hf_buf_err(&text);
    if (err == HF_OK)
        err = hf_base64_decode(hf_buf_str(&text), buf);
    return err == HF_OK ? CLI_OK
                        : cli_fail(CLI_FAILED, "%s is no base64url", cli_key_file_name(file));
}

void cli_key_put_bytes(struct hf_json_writer *w, const char *name, hf_bytes bytes)
{
    hf_jw_key(w, name);
    hf_buf_put_u8(w->buf, '"');
    hf_buf_put_base64url(w->buf, bytes);
    hf_buf_put_u8(w->buf, '"');
    w->comma = true;
}

int cli_key_take_value(const struct cli_answer *answer, struct hf_buf *out)
{
    const struct hf_json *value = hf_json_member(answer->json, "value");
    if (value == NULL || hf_json_type(value) != HF_JSON_STRING ||
        hf_base64_decode(hf_json_str(value), out) != HF_OK)
        return cli_fail(CLI_FAILED, "the answer holds no value");
    return CLI_OK;
}

/* ---- the call ---- */

int cli_key_call(const struct cli_input *input, hf_str version, const char *operation,
                 const struct hf_buf *body, struct cli_answer *answer)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    cli_object_path(&path, "/keys", input, "");
    int code = CLI_OK;
    if (version.n > 0) {
        hf_buf_put_u8(&path, '/');
        hf_buf_put_percent(&path, version);
    } else if (cli_has(input, CLI_VERSION)) {
        code = cli_object_put_version(input, &path);
    } else {
        hf_buf_put_u8(&path, '/'); /* an empty version is the newest */
    }
    hf_buf_put_u8(&path, '/');
    hf_buf_put_c(&path, operation);
    const struct cli_keyvault_call call = { .method = HTTP_POST, .path = &path, .body = body };
    return code == CLI_OK ? cli_object_send(input, &call, answer) : code;
}
