/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast key sign` and `verify`: files of any size are digested here, the vault sees the digest.
 */
#include "cli/commands.h"
#include "cli/key_input.h"
#include "cli/message.h"

#include "base/encode.h"
#include "base/file.h"
#include "crypto/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)64 * 1024)
#define SIGNATURE_MAX_BYTES ((size_t)16 * 1024)

/* ---- what is signed ---- */

static int fail_file(const char *file, hf_err err)
{
    return cli_fail(cli_exit_of_err(err), "%s: %s", cli_key_file_name(file), hf_err_text(err));
}

static hf_err read_chunk(int fd, struct hf_buf *chunk)
{
    uint8_t *end = hf_buf_reserve(chunk, CHUNK_BYTES);
    if (end == NULL)
        return hf_buf_err(chunk);
    ssize_t n = 0;
    do {
        n = read(fd, end, CHUNK_BYTES);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return hf_err_from_errno(errno);
    hf_buf_commit(chunk, (size_t)n);
    return HF_OK;
}

static hf_err digest_stream(int fd, size_t digest_bytes, struct hf_buf *out)
{
    HF_CLEANUP(crypto_digest_freep) struct crypto_digest *digest = NULL;
    HF_CLEANUP(hf_buf_done) struct hf_buf chunk;
    hf_buf_init_secret(&chunk, CHUNK_BYTES);
    hf_err err = crypto_digest_new(digest_bytes, &digest);
    while (err == HF_OK) {
        hf_buf_reset(&chunk);
        err = read_chunk(fd, &chunk);
        if (err == HF_OK && chunk.n == 0)
            return crypto_digest_end(digest, out);
        if (err == HF_OK)
            err = crypto_digest_add(digest, hf_buf_view(&chunk));
    }
    return err;
}

static int digest_file(const char *file, size_t digest_bytes, struct hf_buf *out)
{
    if (file == NULL && isatty(STDIN_FILENO))
        return cli_fail(CLI_USAGE, "nothing can be typed here: give FILE or a pipe");
    HF_CLEANUP(hf_fd_closep) int fd = -1;
    if (file != NULL) {
        fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return fail_file(file, hf_err_from_errno(errno));
    }
    const hf_err err = digest_stream(fd >= 0 ? fd : STDIN_FILENO, digest_bytes, out);
    return err == HF_OK ? CLI_OK : fail_file(file, err);
}

/* The digest as given, of the file, or where the algorithm takes no digest, the file itself. */
static int take_digest(const struct cli_input *input, const struct crypto_alg *alg,
                       struct hf_buf *out)
{
    const char *file = cli_key_file(input);
    const char *given = input->values[CLI_DIGEST];
    if (given != NULL && input->argument_count > 1)
        return cli_fail(CLI_USAGE, "--digest and FILE exclude each other");
    if (given != NULL && alg->digest_bytes == 0)
        return cli_fail(CLI_USAGE, "--digest: %.*s takes the content itself",
                        HF_STR_ARG(alg->name));
    if (given != NULL)
        return cli_key_decode("digest", given, alg->digest_bytes, out);
    if (alg->digest_bytes == 0)
        return cli_key_read(file, out);
    return digest_file(file, alg->digest_bytes, out);
}

static bool is_ecdsa(const struct crypto_alg *alg)
{
    return alg->method == CRYPTO_METHOD_ECDSA;
}

static int take_algorithm(const struct cli_input *input, const struct crypto_alg **out)
{
    const int code = cli_key_algorithm(input, CRYPTO_USE_SIGN, out);
    if (code == CLI_OK && cli_has(input, CLI_DER) && !is_ecdsa(*out))
        return cli_fail(CLI_USAGE, "--der: only ECDSA signatures have that form");
    return code;
}

/* {"alg":…,"value":<digest>} or {"alg":…,"digest":…,"value":<signature>} */
static void put_body(const struct crypto_alg *alg, const struct hf_buf *digest,
                     const struct hf_buf *signature, struct hf_buf *body)
{
    struct hf_json_writer w = hf_json_writer_on(body);
    hf_jw_begin_object(&w);
    hf_jw_member_str(&w, "alg", alg->name);
    cli_key_put_bytes(&w, signature == NULL ? "value" : "digest", hf_buf_view(digest));
    if (signature != NULL)
        cli_key_put_bytes(&w, "value", hf_buf_view(signature));
    hf_jw_end_object(&w);
}

/* ---- sign ---- */

static int check_sign_output(const struct cli_input *input)
{
    if (cli_has(input, CLI_JSON) && (cli_has(input, CLI_BASE64URL) || cli_has(input, CLI_DER)))
        return cli_fail(CLI_USAGE, "--json excludes --base64url and --der");
    if (!cli_has(input, CLI_JSON) && !cli_has(input, CLI_BASE64URL) && isatty(STDOUT_FILENO))
        return cli_fail(CLI_USAGE, "a signature is no text for a terminal: give --base64url");
    return CLI_OK;
}

static int print_bytes(const struct cli_input *input, const struct hf_buf *bytes)
{
    if (!cli_has(input, CLI_BASE64URL))
        return cli_print(hf_buf_view(bytes));
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, CLI_KEY_BODY_MAX_BYTES);
    hf_buf_put_base64url(&text, hf_buf_view(bytes));
    const hf_err err = hf_buf_err(&text);
    return err == HF_OK ? cli_print_line(hf_buf_view(&text))
                        : cli_fail(CLI_FAILED, "the signature: %s", hf_err_text(err));
}

static int print_signature(const struct cli_input *input, const struct crypto_alg *alg,
                           const struct cli_answer *answer)
{
    if (cli_has(input, CLI_JSON))
        return cli_print_line(hf_buf_view(&answer->http.body));
    HF_CLEANUP(hf_buf_done) struct hf_buf signature;
    HF_CLEANUP(hf_buf_done) struct hf_buf der;
    hf_buf_init(&signature, SIGNATURE_MAX_BYTES);
    hf_buf_init(&der, SIGNATURE_MAX_BYTES);
    const int code = cli_key_take_value(answer, &signature);
    if (code != CLI_OK || !cli_has(input, CLI_DER))
        return code == CLI_OK ? print_bytes(input, &signature) : code;
    if (crypto_signature_to_der(alg, hf_buf_view(&signature), &der) != HF_OK)
        return cli_fail(CLI_FAILED, "the answer is no %.*s signature", HF_STR_ARG(alg->name));
    return print_bytes(input, &der);
}

int cli_key_sign(const struct cli_input *input)
{
    const struct crypto_alg *alg = NULL;
    HF_CLEANUP(hf_buf_done) struct hf_buf digest;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    hf_buf_init_secret(&digest, CLI_KEY_INPUT_MAX_BYTES);
    hf_buf_init_secret(&body, CLI_KEY_BODY_MAX_BYTES);
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    int code = take_algorithm(input, &alg);
    if (code == CLI_OK)
        code = check_sign_output(input);
    if (code == CLI_OK)
        code = take_digest(input, alg, &digest);
    if (code != CLI_OK)
        return code;
    put_body(alg, &digest, NULL, &body);
    code = cli_key_call(input, HF_LIT(""), "sign", &body, &answer);
    return code == CLI_OK ? print_signature(input, alg, &answer) : code;
}

/* ---- verify ---- */

static int take_signature(const struct cli_input *input, const struct crypto_alg *alg,
                          struct hf_buf *out)
{
    const char *file = input->values[CLI_SIGNATURE];
    const bool is_stream = strcmp(file, "-") == 0;
    if (is_stream && !cli_has(input, CLI_DIGEST) && cli_key_file(input) == NULL)
        return cli_fail(CLI_USAGE, "standard input cannot be both the signature and the file");
    int code = cli_key_read(file, out);
    if (code == CLI_OK && cli_has(input, CLI_BASE64URL))
        code = cli_key_decode_content(is_stream ? NULL : file, out);
    if (code != CLI_OK || !cli_has(input, CLI_DER))
        return code;
    HF_CLEANUP(hf_buf_done) struct hf_buf fixed;
    hf_buf_init(&fixed, SIGNATURE_MAX_BYTES);
    if (crypto_signature_from_der(alg, hf_buf_view(out), &fixed) != HF_OK)
        return cli_fail(CLI_FAILED, "%s is no DER signature for %.*s",
                        cli_key_file_name(is_stream ? NULL : file), HF_STR_ARG(alg->name));
    hf_buf_reset(out);
    hf_buf_put_bytes(out, hf_buf_view(&fixed));
    return CLI_OK;
}

static int print_verdict(const struct cli_input *input, const struct cli_answer *answer)
{
    const struct hf_json *value = hf_json_member(answer->json, "value");
    if (value == NULL || hf_json_type(value) != HF_JSON_BOOL)
        return cli_fail(CLI_FAILED, "the answer says nothing about the signature");
    const bool is_valid = hf_json_bool(value);
    const int code = cli_has(input, CLI_JSON)
                         ? cli_print_line(hf_buf_view(&answer->http.body))
                         : cli_print_line(
                               hf_str_bytes(is_valid ? HF_LIT("valid") : HF_LIT("not valid")));
    return code == CLI_OK && !is_valid ? CLI_FAILED : code;
}

int cli_key_verify(const struct cli_input *input)
{
    const struct crypto_alg *alg = NULL;
    HF_CLEANUP(hf_buf_done) struct hf_buf digest;
    HF_CLEANUP(hf_buf_done) struct hf_buf signature;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    hf_buf_init_secret(&digest, CLI_KEY_INPUT_MAX_BYTES);
    hf_buf_init_secret(&signature, SIGNATURE_MAX_BYTES);
    hf_buf_init_secret(&body, 2 * CLI_KEY_BODY_MAX_BYTES);
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    int code = take_algorithm(input, &alg);
    if (code == CLI_OK)
        code = take_signature(input, alg, &signature);
    if (code == CLI_OK)
        code = take_digest(input, alg, &digest);
    if (code != CLI_OK)
        return code;
    put_body(alg, &digest, &signature, &body);
    code = cli_key_call(input, HF_LIT(""), "verify", &body, &answer);
    return code == CLI_OK ? print_verdict(input, &answer) : code;
}
