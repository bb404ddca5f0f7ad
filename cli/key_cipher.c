/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast key encrypt`, `decrypt`, `wrap` and `unwrap`. What is kept of an encryption is the ciphertext, or, where an
 * initialization vector belongs to it, the vault's answer as it came: JSON with kid, value, iv, tag and aad, which the reverse
 * takes back. Plaintexts live in secret memory only.
 */
#include "cli/commands.h"
#include "cli/key_input.h"
#include "cli/message.h"

#include "crypto/crypto.h"

#include <unistd.h>

struct cipher_row {
    const char *operation; /* of the path */
    unsigned use;          /* CRYPTO_USE_* */
};
static const struct cipher_row encrypt_row = { "encrypt", CRYPTO_USE_ENCRYPT };
static const struct cipher_row decrypt_row = { "decrypt", CRYPTO_USE_ENCRYPT };
static const struct cipher_row wrap_row = { "wrapkey", CRYPTO_USE_WRAP };
static const struct cipher_row unwrap_row = { "unwrapkey", CRYPTO_USE_WRAP };

static void begin_body(const struct crypto_alg *alg, struct hf_buf *body, struct hf_json_writer *w)
{
    hf_buf_init_secret(body, CLI_KEY_BODY_MAX_BYTES);
    *w = hf_json_writer_on(body);
    hf_jw_begin_object(w);
    hf_jw_member_str(w, "alg", alg->name);
}

/* --iv or --tag, of the length that the algorithm has. */
static int put_short(const char *name, const char *text, size_t size, struct hf_json_writer *w)
{
    uint8_t memory[2 * CRYPTO_IV_MAX_BYTES];
    struct hf_buf bytes;
    hf_buf_init_fixed(&bytes, memory, sizeof(memory));
    const int code = cli_key_decode(name, text, size, &bytes);
    if (code == CLI_OK)
        cli_key_put_bytes(w, name, hf_buf_view(&bytes));
    return code;
}

static int put_aad(const struct cli_input *input, const struct crypto_alg *alg,
                   struct hf_json_writer *w)
{
    const char *text = input->values[CLI_AAD];
    if (text == NULL)
        return CLI_OK;
    if (!crypto_alg_takes_aad(alg))
        return cli_fail(CLI_USAGE, "--aad: %.*s takes none", HF_STR_ARG(alg->name));
    cli_key_put_bytes(w, "aad", hf_str_bytes(hf_str_from_c(text)));
    return CLI_OK;
}

/* ---- encrypt, wrap ---- */

/* GCM gets its vector from the vault; CBC from --iv, else a random one. */
static int put_new_iv(const struct cli_input *input, const struct crypto_alg *alg,
                      struct hf_json_writer *w)
{
    const char *text = input->values[CLI_IV];
    const size_t size = crypto_alg_iv_bytes(alg);
    if (text != NULL && !crypto_alg_needs_iv(alg))
        return cli_fail(CLI_USAGE, "--iv: %.*s takes none here", HF_STR_ARG(alg->name));
    if (text != NULL)
        return put_short("iv", text, size, w);
    if (!crypto_alg_needs_iv(alg))
        return CLI_OK;
    uint8_t iv[CRYPTO_IV_MAX_BYTES];
    const hf_err err = crypto_random(iv, size);
    if (err != HF_OK)
        return cli_fail(CLI_FAILED, "random bytes: %s", hf_err_text(err));
    cli_key_put_bytes(w, "iv", (hf_bytes){ iv, size });
    return CLI_OK;
}

/* The answer is what is kept, and not its value alone. */
static bool keeps_answer(const struct cli_input *input, const struct crypto_alg *alg)
{
    return cli_has(input, CLI_JSON) || crypto_alg_iv_bytes(alg) > 0;
}

static int check_output(const struct cli_input *input, const struct crypto_alg *alg)
{
    const bool is_text = cli_has(input, CLI_BASE64URL);
    if (keeps_answer(input, alg))
        return is_text ? cli_fail(CLI_USAGE, "--base64url: the result is JSON") : CLI_OK;
    if (!is_text && isatty(STDOUT_FILENO))
        return cli_fail(CLI_USAGE, "a ciphertext is no text for a terminal: give --base64url");
    return CLI_OK;
}

static int print_ciphertext(const struct cli_input *input, const struct crypto_alg *alg,
                            const struct cli_answer *answer)
{
    if (keeps_answer(input, alg))
        return cli_print_line(hf_buf_view(&answer->http.body));
    if (cli_has(input, CLI_BASE64URL))
        return cli_print_line(hf_str_bytes(hf_json_str(hf_json_member(answer->json, "value"))));
    HF_CLEANUP(hf_buf_done) struct hf_buf value;
    hf_buf_init(&value, CLI_KEY_BODY_MAX_BYTES);
    const int code = cli_key_take_value(answer, &value);
    return code == CLI_OK ? cli_print(hf_buf_view(&value)) : code;
}

static int put_plaintext(const struct cli_input *input, const struct crypto_alg *alg,
                         struct hf_json_writer *w)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init_secret(&plain, CLI_KEY_INPUT_MAX_BYTES);
    int code = put_new_iv(input, alg, w);
    if (code == CLI_OK)
        code = put_aad(input, alg, w);
    if (code == CLI_OK)
        code = cli_key_read(cli_key_file(input), &plain);
    if (code == CLI_OK)
        cli_key_put_bytes(w, "value", hf_buf_view(&plain));
    hf_jw_end_object(w);
    return code;
}

static int encrypt(const struct cli_input *input, const struct cipher_row *row)
{
    const struct crypto_alg *alg = NULL;
    int code = cli_key_algorithm(input, row->use, &alg);
    if (code == CLI_OK)
        code = check_output(input, alg);
    if (code != CLI_OK)
        return code;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    struct hf_json_writer w;
    begin_body(alg, &body, &w);
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    code = put_plaintext(input, alg, &w);
    if (code == CLI_OK)
        code = cli_key_call(input, HF_LIT(""), row->operation, &body, &answer);
    return code == CLI_OK ? print_ciphertext(input, alg, &answer) : code;
}

int cli_key_encrypt(const struct cli_input *input)
{
    return encrypt(input, &encrypt_row);
}

int cli_key_wrap(const struct cli_input *input)
{
    return encrypt(input, &wrap_row);
}

/* ---- decrypt, unwrap ---- */

/* What encrypt printed as JSON; NULL if the content is something else. */
static struct hf_json *parse_kept_answer(const struct hf_buf *content)
{
    struct hf_json *json = NULL;
    struct hf_diag ignored = { 0 };
    if (hf_json_parse(hf_buf_view(content), &ignored, &json) != HF_OK)
        return NULL;
    if (hf_json_str(hf_json_member(json, "value")).n > 0)
        return json;
    hf_json_free(json);
    return NULL;
}

/* https://host/keys/NAME/VERSION: the version is wanted, unless another one was asked for; the name must be the key's. */
static int take_version(const struct cli_input *input, hf_str kid, hf_str *out)
{
    hf_str parts[6] = { { NULL, 0 } };
    size_t count = 0;
    while (count < HF_ARRAY_LEN(parts) && hf_str_next(&kid, '/', &parts[count]))
        count++;
    if (count < HF_ARRAY_LEN(parts) || cli_has(input, CLI_VERSION))
        return CLI_OK;
    if (!hf_str_equal_nocase(parts[4], hf_str_from_c(input->arguments[0])))
        return cli_fail(CLI_FAILED, "this was made with the key %.*s", HF_STR_ARG(parts[4]));
    *out = parts[5];
    return CLI_OK;
}

static int put_kept_answer(const struct cli_input *input, const struct hf_json *kept,
                           struct hf_json_writer *w)
{
    static const char *const members[] = { "value", "iv", "tag", "aad" };
    if (cli_has(input, CLI_IV) || cli_has(input, CLI_AUTH_TAG) || cli_has(input, CLI_AAD))
        return cli_fail(CLI_USAGE, "--iv, --tag and --aad: the input has its own");
    for (size_t i = 0; i < HF_ARRAY_LEN(members); i++) {
        const hf_str text = hf_json_str(hf_json_member(kept, members[i]));
        if (text.p != NULL)
            hf_jw_member_str(w, members[i], text);
    }
    return CLI_OK;
}

static int put_needed(const struct cli_input *input, enum cli_option option, const char *name,
                      size_t size, struct hf_json_writer *w)
{
    const char *text = input->values[option];
    if (text == NULL && size == 0)
        return CLI_OK;
    if (text == NULL)
        return cli_fail(CLI_USAGE, "--%s is missing, and the input is not what encrypt printed",
                        name);
    if (size == 0)
        return cli_fail(CLI_USAGE, "--%s: this algorithm has none", name);
    return put_short(name, text, size, w);
}

static int put_bare(const struct cli_input *input, const struct crypto_alg *alg,
                    struct hf_buf *content, struct hf_json_writer *w)
{
    int code = put_needed(input, CLI_IV, "iv", crypto_alg_iv_bytes(alg), w);
    if (code == CLI_OK)
        code = put_needed(input, CLI_AUTH_TAG, "tag", crypto_alg_tag_bytes(alg), w);
    if (code == CLI_OK)
        code = put_aad(input, alg, w);
    if (code == CLI_OK && cli_has(input, CLI_BASE64URL))
        code = cli_key_decode_content(cli_key_file(input), content);
    if (code == CLI_OK)
        cli_key_put_bytes(w, "value", hf_buf_view(content));
    return code;
}

/* Byte for byte; a terminal gets a line's end besides. */
static int print_plaintext(const struct cli_input *input, const struct cli_answer *answer)
{
    if (cli_has(input, CLI_JSON))
        return cli_print_line(hf_buf_view(&answer->http.body));
    HF_CLEANUP(hf_buf_done) struct hf_buf plain;
    hf_buf_init_secret(&plain, CLI_KEY_BODY_MAX_BYTES);
    const int code = cli_key_take_value(answer, &plain);
    if (code != CLI_OK)
        return code;
    return isatty(STDOUT_FILENO) ? cli_print_line(hf_buf_view(&plain))
                                 : cli_print(hf_buf_view(&plain));
}

static int decrypt(const struct cli_input *input, const struct cipher_row *row)
{
    const struct crypto_alg *alg = NULL;
    int code = cli_key_algorithm(input, row->use, &alg);
    if (code != CLI_OK)
        return code;
    HF_CLEANUP(hf_buf_done) struct hf_buf content;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    struct hf_json_writer w;
    hf_buf_init_secret(&content, CLI_KEY_INPUT_MAX_BYTES);
    begin_body(alg, &body, &w);
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    code = cli_key_read(cli_key_file(input), &content);
    HF_CLEANUP(hf_json_freep)
    struct hf_json *kept = code == CLI_OK ? parse_kept_answer(&content) : NULL;
    hf_str version = HF_LIT("");
    if (code == CLI_OK && kept != NULL)
        code = take_version(input, hf_json_str(hf_json_member(kept, "kid")), &version);
    if (code == CLI_OK)
        code = kept != NULL ? put_kept_answer(input, kept, &w) : put_bare(input, alg, &content, &w);
    hf_jw_end_object(&w);
    if (code == CLI_OK)
        code = cli_key_call(input, version, row->operation, &body, &answer);
    return code == CLI_OK ? print_plaintext(input, &answer) : code;
}

int cli_key_decrypt(const struct cli_input *input)
{
    return decrypt(input, &decrypt_row);
}

int cli_key_unwrap(const struct cli_input *input)
{
    return decrypt(input, &unwrap_row);
}
