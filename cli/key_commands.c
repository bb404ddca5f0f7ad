/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast key …`: keys through a vault's public API, but for what is done with them (key_cipher.c, key_sign.c). A private key
 * passes through here on its way in only, in secret memory.
 */
#include "cli/commands.h"
#include "cli/key_input.h"
#include "cli/message.h"

#include "crypto/key_material.h"

#include <string.h>

#define PEM_MAX_BYTES ((size_t)16 * 1024)
#define SIZE_MAX_BITS 65535

static const struct cli_column show_columns[] = {
    { "Name", "key.kid", CLI_CELL_NAME },
    { "Version", "key.kid", CLI_CELL_VERSION },
    { "Id", "key.kid", CLI_CELL_PLAIN },
    { "Type", "key.kty", CLI_CELL_PLAIN },
    { "Curve", "key.crv", CLI_CELL_PLAIN },
    { "Operations", "key.key_ops", CLI_CELL_LIST },
    { "Enabled", "attributes.enabled", CLI_CELL_PLAIN },
    { "Not before", "attributes.nbf", CLI_CELL_TIME },
    { "Expires", "attributes.exp", CLI_CELL_TIME },
    { "Created", "attributes.created", CLI_CELL_TIME },
    { "Updated", "attributes.updated", CLI_CELL_TIME },
    { "Tags", "tags", CLI_CELL_TAGS },
};

static const struct cli_column deleted_columns[] = {
    { "Name", "key.kid", CLI_CELL_NAME },
    { "Recovery id", "recoveryId", CLI_CELL_PLAIN },
    { "Deleted", "deletedDate", CLI_CELL_TIME },
    { "Purge scheduled", "scheduledPurgeDate", CLI_CELL_TIME },
};

static const struct cli_column list_columns[] = {
    { "NAME", "kid", CLI_CELL_NAME },
    { "ENABLED", "attributes.enabled", CLI_CELL_PLAIN },
    { "UPDATED", "attributes.updated", CLI_CELL_TIME },
    { "EXPIRES", "attributes.exp", CLI_CELL_TIME },
    { "TAGS", "tags", CLI_CELL_TAGS },
};

static const struct cli_column version_columns[] = {
    { "VERSION", "kid", CLI_CELL_VERSION },
    { "ENABLED", "attributes.enabled", CLI_CELL_PLAIN },
    { "CREATED", "attributes.created", CLI_CELL_TIME },
    { "UPDATED", "attributes.updated", CLI_CELL_TIME },
    { "EXPIRES", "attributes.exp", CLI_CELL_TIME },
    { "TAGS", "tags", CLI_CELL_TAGS },
};

static const struct cli_column deleted_list_columns[] = {
    { "NAME", "kid", CLI_CELL_NAME },
    { "DELETED", "deletedDate", CLI_CELL_TIME },
    { "PURGE SCHEDULED", "scheduledPurgeDate", CLI_CELL_TIME },
    { "TAGS", "tags", CLI_CELL_TAGS },
};

static const struct cli_collection keys = {
    .path = "/keys",
    .deleted_path = "/deletedkeys",
    .show = CLI_COLUMNS(show_columns),
    .deleted = CLI_COLUMNS(deleted_columns),
    .list = CLI_COLUMNS(list_columns),
    .versions = CLI_COLUMNS(version_columns),
    .deleted_list = CLI_COLUMNS(deleted_list_columns),
};

/* ---- create ---- */

/* The member "key_ops" from --ops; nothing without it. */
static int put_ops(const struct cli_input *input, struct hf_json_writer *w)
{
    if (!cli_has(input, CLI_OPS))
        return CLI_OK;
    hf_str rest = hf_str_from_c(input->values[CLI_OPS]);
    hf_str op;
    hf_jw_key(w, "key_ops");
    hf_jw_begin_array(w);
    while (hf_str_next(&rest, ',', &op)) {
        op = hf_str_trim(op);
        if (op.n == 0)
            return cli_fail(CLI_USAGE, "--ops: '%s' is no list such as sign,verify",
                            input->values[CLI_OPS]);
        hf_jw_str(w, op);
    }
    hf_jw_end_array(w);
    return CLI_OK;
}

static int put_size(const struct cli_input *input, struct hf_json_writer *w)
{
    const char *text = input->values[CLI_KEY_SIZE];
    if (text == NULL)
        return CLI_OK;
    uint64_t bits = 0;
    if (!hf_str_parse_u64(hf_str_from_c(text), SIZE_MAX_BITS, &bits))
        return cli_fail(CLI_USAGE, "--size: '%s' is no number of bits", text);
    hf_jw_member_int(w, "key_size", (int64_t)bits);
    return CLI_OK;
}

/* An option that the type has no use for would be ignored by the service. */
static int check_type_options(const struct cli_input *input)
{
    const bool is_ec = strcmp(input->values[CLI_KEY_TYPE], "EC") == 0;
    if (is_ec && cli_has(input, CLI_KEY_SIZE))
        return cli_fail(CLI_USAGE, "--size: an EC key has a --curve");
    if (!is_ec && cli_has(input, CLI_CURVE))
        return cli_fail(CLI_USAGE, "--curve: only an EC key has one");
    return CLI_OK;
}

static int put_new_key(const struct cli_input *input, struct hf_buf *body)
{
    struct hf_json_writer w = hf_json_writer_on(body);
    hf_jw_begin_object(&w);
    hf_jw_member_c(&w, "kty", input->values[CLI_KEY_TYPE]);
    if (cli_has(input, CLI_CURVE))
        hf_jw_member_c(&w, "crv", input->values[CLI_CURVE]);
    int code = put_size(input, &w);
    if (code == CLI_OK)
        code = put_ops(input, &w);
    if (code == CLI_OK)
        code = cli_object_put_attributes(input, &w);
    if (code == CLI_OK)
        code = cli_object_put_tags(input, &w);
    hf_jw_end_object(&w);
    return code;
}

int cli_key_create(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    cli_object_path(&path, keys.path, input, "/create");
    hf_buf_init(&body, CLI_KEY_BODY_MAX_BYTES);
    int code = check_type_options(input);
    if (code == CLI_OK)
        code = put_new_key(input, &body);
    const struct cli_keyvault_call call = { .method = HTTP_POST, .path = &path, .body = &body };
    return code == CLI_OK ? cli_object_send_and_show(input, &call, &keys.show) : code;
}

/* ---- import ---- */

/* A JWK as it is in the file, but with the operations that were asked for. */
static int put_jwk(const struct cli_input *input, hf_bytes content, struct hf_json_writer *w)
{
    HF_CLEANUP(hf_json_freep) struct hf_json *jwk = NULL;
    struct hf_diag diag = { 0 };
    const char *name = cli_key_file_name(cli_key_file(input));
    if (hf_json_parse(content, &diag, &jwk) != HF_OK)
        return cli_fail(CLI_FAILED, "%s: no JWK: %s", name, diag.text);
    if (hf_json_type(jwk) != HF_JSON_OBJECT)
        return cli_fail(CLI_FAILED, "%s: no JWK", name);
    void *iter = NULL;
    hf_str member;
    const struct hf_json *value = NULL;
    while (hf_json_next(jwk, &iter, &member, &value)) {
        if (cli_has(input, CLI_OPS) && hf_str_equal(member, HF_LIT("key_ops")))
            continue;
        hf_jw_key_str(w, member);
        cli_put_json(w->buf, value, NULL);
        w->comma = true;
    }
    return CLI_OK;
}

static int put_key_file(const struct cli_input *input, hf_bytes content, struct hf_json_writer *w)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    hf_err err = crypto_key_from_file(content, &key);
    if (err == HF_OK)
        err = crypto_key_write_private_members(key, w);
    const char *name = cli_key_file_name(cli_key_file(input));
    if (err == HF_E_INVALID || err == HF_E_UNSUPPORTED)
        return cli_fail(CLI_FAILED,
                        "%s: no private RSA or EC key in PEM, DER or JWK form, unencrypted", name);
    return err == HF_OK ? CLI_OK : cli_fail(CLI_FAILED, "%s: %s", name, hf_err_text(err));
}

static int put_imported_key(const struct cli_input *input, hf_bytes content, struct hf_buf *body)
{
    const hf_str text = hf_str_trim((hf_str){ (const char *)content.p, content.n });
    const bool is_jwk = text.n > 0 && text.p[0] == '{';
    struct hf_json_writer w = hf_json_writer_on(body);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "key");
    hf_jw_begin_object(&w);
    int code = is_jwk ? put_jwk(input, content, &w) : put_key_file(input, content, &w);
    if (code == CLI_OK)
        code = put_ops(input, &w);
    hf_jw_end_object(&w);
    if (code == CLI_OK)
        code = cli_object_put_attributes(input, &w);
    if (code == CLI_OK)
        code = cli_object_put_tags(input, &w);
    hf_jw_end_object(&w);
    return code;
}

int cli_key_import(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(hf_buf_done) struct hf_buf content;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    cli_object_path(&path, keys.path, input, "");
    hf_buf_init_secret(&content, CLI_KEY_INPUT_MAX_BYTES);
    hf_buf_init_secret(&body, CLI_KEY_BODY_MAX_BYTES);
    int code = cli_key_read(cli_key_file(input), &content);
    if (code == CLI_OK)
        code = put_imported_key(input, hf_buf_view(&content), &body);
    const struct cli_keyvault_call call = { .method = HTTP_PUT, .path = &path, .body = &body };
    return code == CLI_OK ? cli_object_send_and_show(input, &call, &keys.show) : code;
}

/* ---- show ---- */

static int print_pem(const struct cli_answer *answer)
{
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    HF_CLEANUP(hf_buf_done) struct hf_buf pem;
    hf_buf_init(&pem, PEM_MAX_BYTES);
    hf_err err = crypto_key_from_jwk(hf_json_member(answer->json, "key"), &key);
    if (err == HF_E_UNSUPPORTED)
        return cli_fail(CLI_FAILED, "an oct key has no public part");
    if (err == HF_OK)
        err = crypto_key_write_public_pem(key, &pem);
    return err == HF_OK ? cli_print(hf_buf_view(&pem))
                        : cli_fail(CLI_FAILED, "the public key: %s", hf_err_text(err));
}

int cli_key_show(const struct cli_input *input)
{
    if (cli_has(input, CLI_JSON) && cli_has(input, CLI_PEM))
        return cli_fail(CLI_USAGE, "--json and --pem exclude each other");
    if (cli_has(input, CLI_DELETED) && (cli_has(input, CLI_VERSION) || cli_has(input, CLI_PEM)))
        return cli_fail(CLI_USAGE, "--deleted excludes --version and --pem");
    if (cli_has(input, CLI_DELETED))
        return cli_object_show_deleted(input, &keys);
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_object_path(&path, keys.path, input, "");
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    int code = cli_object_put_version(input, &path);
    const struct cli_keyvault_call call = { .method = HTTP_GET, .path = &path };
    if (code == CLI_OK)
        code = cli_object_send(input, &call, &answer);
    if (code != CLI_OK)
        return code;
    return cli_has(input, CLI_PEM)
               ? print_pem(&answer)
               : cli_show_answer(input, keys.show.rows, keys.show.count, &answer);
}

/* ---- update, rotate ---- */

static int put_change(const struct cli_input *input, struct hf_buf *body)
{
    struct hf_json_writer w = hf_json_writer_on(body);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "attributes");
    hf_jw_begin_object(&w);
    if (cli_has(input, CLI_ENABLE) || cli_has(input, CLI_DISABLE))
        hf_jw_member_bool(&w, "enabled", cli_has(input, CLI_ENABLE));
    int code = cli_object_put_times(input, &w);
    hf_jw_end_object(&w);
    if (code == CLI_OK)
        code = put_ops(input, &w);
    if (code == CLI_OK)
        code = cli_object_put_tags(input, &w);
    hf_jw_end_object(&w);
    return code;
}

static int check_change(const struct cli_input *input)
{
    static const enum cli_option changes[] = { CLI_OPS,     CLI_TAG,    CLI_NOT_BEFORE,
                                               CLI_EXPIRES, CLI_ENABLE, CLI_DISABLE };
    if (cli_has(input, CLI_ENABLE) && cli_has(input, CLI_DISABLE))
        return cli_fail(CLI_USAGE, "--enabled and --disabled exclude each other");
    for (size_t i = 0; i < HF_ARRAY_LEN(changes); i++) {
        if (cli_has(input, changes[i]))
            return CLI_OK;
    }
    return cli_fail(CLI_USAGE, "what is to change? See holdfast key update --help");
}

int cli_key_update(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    cli_object_path(&path, keys.path, input, "");
    hf_buf_init(&body, CLI_KEY_BODY_MAX_BYTES);
    int code = check_change(input);
    if (code == CLI_OK)
        code = cli_object_put_version(input, &path);
    if (code == CLI_OK)
        code = put_change(input, &body);
    const struct cli_keyvault_call call = { .method = HTTP_PATCH, .path = &path, .body = &body };
    return code == CLI_OK ? cli_object_send_and_show(input, &call, &keys.show) : code;
}

int cli_key_rotate(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    cli_object_path(&path, keys.path, input, "/rotate");
    const struct cli_keyvault_call call = { .method = HTTP_POST, .path = &path };
    return cli_object_send_and_show(input, &call, &keys.show);
}

/* ---- as for every collection ---- */

int cli_key_list(const struct cli_input *input)
{
    return cli_object_list(input, &keys);
}

int cli_key_versions(const struct cli_input *input)
{
    return cli_object_versions(input, &keys);
}

int cli_key_delete(const struct cli_input *input)
{
    return cli_object_delete(input, &keys);
}

int cli_key_recover(const struct cli_input *input)
{
    return cli_object_recover(input, &keys);
}

int cli_key_purge(const struct cli_input *input)
{
    return cli_object_purge(input, &keys);
}
