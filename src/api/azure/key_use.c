/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with keys: encrypt, decrypt, wrapKey, unwrapKey, sign, verify. What takes long goes to
 * the compute pool, the rest is answered at once.
 */
#include "api/azure/internal.h"

#include "crypto/crypto.h"
#include "crypto/operation.h"

struct use;

struct use_row {
    const char *name; /* as messages say it */
    enum vault_key_op op;
    unsigned uses; /* the algorithm must have it: CRYPTO_USE_* */
    /* not outside nbf and exp (Key Vault docs, about keys: date-time controlled operations) */
    bool within_dates;
    bool is_private;          /* takes the private key */
    const char *digest_field; /* of the body; NULL: takes none */
    hf_err (*run)(struct use *use);
    void (*write)(const struct use *use, struct hf_json_writer *w);
};

struct use {
    const struct use_row *row;
    const struct crypto_alg *alg;
    struct crypto_key *key;
    struct vault_key described;
    hf_str aad_text; /* as sent: it is repeated */
    struct hf_buf value;
    struct crypto_input in;
    hf_bytes digest;
    struct crypto_extra extra;
    struct hf_buf result;
    bool valid;
    struct hf_diag diag;
};

/* ---- the four that run ---- */

static hf_err run_encrypt(struct use *use)
{
    return crypto_encrypt(use->key, use->alg, &use->in, &use->diag, &use->extra, &use->result);
}

static hf_err run_decrypt(struct use *use)
{
    return crypto_decrypt(use->key, use->alg, &use->in, &use->diag, &use->result);
}

static hf_err run_sign(struct use *use)
{
    return crypto_sign_digest(use->key, use->alg, use->in.value, &use->diag, &use->result);
}

static hf_err run_verify(struct use *use)
{
    return crypto_verify_digest(use->key, use->alg, use->digest, use->in.value, &use->diag,
                                &use->valid);
}

/* ---- answers ---- */

/* The text is secret when it is a plaintext: it goes from one secret buffer to another. */
static void write_base64url(struct hf_json_writer *w, const char *name, hf_bytes bytes)
{
    hf_jw_key(w, name);
    hf_buf_put_u8(w->buf, '"');
    hf_buf_put_base64url(w->buf, bytes);
    hf_buf_put_u8(w->buf, '"');
    w->comma = true;
}

static void write_value(const struct use *use, struct hf_json_writer *w)
{
    write_base64url(w, "value", hf_buf_view(&use->result));
}

static void write_ciphertext(const struct use *use, struct hf_json_writer *w)
{
    const struct crypto_extra *extra = &use->extra;
    write_value(use, w);
    if (extra->iv_bytes > 0)
        write_base64url(w, "iv", (hf_bytes){ extra->iv, extra->iv_bytes });
    if (extra->tag_bytes > 0)
        write_base64url(w, "tag", (hf_bytes){ extra->tag, extra->tag_bytes });
    if (use->aad_text.p != NULL && crypto_alg_takes_aad(use->alg))
        hf_jw_member_str(w, "aad", use->aad_text);
}

static void write_verdict(const struct use *use, struct hf_json_writer *w)
{
    hf_jw_member_bool(w, "value", use->valid);
}

/* clang-format off */
static const struct use_row use_encrypt = { "encrypt",   VAULT_KEY_ENCRYPT, CRYPTO_USE_ENCRYPT, true,  false, NULL,     run_encrypt, write_ciphertext };
static const struct use_row use_decrypt = { "decrypt",   VAULT_KEY_DECRYPT, CRYPTO_USE_ENCRYPT, false, true,  NULL,     run_decrypt, write_value };
static const struct use_row use_wrap    = { "wrapKey",   VAULT_KEY_WRAP,    CRYPTO_USE_WRAP,    true,  false, NULL,     run_encrypt, write_ciphertext };
static const struct use_row use_unwrap  = { "unwrapKey", VAULT_KEY_UNWRAP,  CRYPTO_USE_WRAP,    false, true,  NULL,     run_decrypt, write_value };
static const struct use_row use_sign    = { "sign",      VAULT_KEY_SIGN,    CRYPTO_USE_SIGN,    true,  true,  "value",  run_sign,    write_value };
static const struct use_row use_verify  = { "verify",    VAULT_KEY_VERIFY,  CRYPTO_USE_SIGN,    false, false, "digest", run_verify,  write_verdict };
/* clang-format on */

/* ---- may it be done ---- */

static hf_err forbid(struct api_call *call, const char *inner, const char *format, const char *op)
{
    return api_fail(call, HF_E_FORBIDDEN, 403, HF_LIT("Forbidden"), hf_str_from_c(inner),
                    "Operation %s is not %s key.", op, format);
}

static hf_err check_key(struct api_call *call, const struct use_row *row,
                        const struct vault_key *key)
{
    const struct vault_version *version = &key->version;
    if (!version->enabled)
        return forbid(call, "KeyDisabled", "allowed on a disabled", row->name);
    if (row->within_dates && version->not_before != VAULT_TIME_NONE &&
        call->now < version->not_before)
        return forbid(call, "KeyNotYetValid", "allowed on a not-yet-valid", row->name);
    if (row->within_dates && version->expires != VAULT_TIME_NONE && call->now >= version->expires)
        return forbid(call, "KeyExpired", "allowed on an expired", row->name);
    if (!vault_key_ops_have(&key->ops, row->op))
        return forbid(call, "KeyOperationForbidden", "permitted on this", row->name);
    return HF_OK;
}

static hf_err check_algorithm(struct api_call *call, const struct use *use)
{
    if (use->alg == NULL || (use->alg->uses & use->row->uses) == 0)
        return azure_bad_property(call, "alg");
    switch (crypto_alg_fit(use->alg, use->described.type, use->described.bits)) {
    case CRYPTO_FITS:
        return HF_OK;
    case CRYPTO_FIT_WRONG_TYPE:
        return azure_bad_parameter(call,
                                   "Key and algorithm are incompatible: %.*s cannot be used with "
                                   "the type of the key %.*s.",
                                   HF_STR_ARG(use->alg->name), HF_STR_ARG(call->audit.id));
    case CRYPTO_FIT_WRONG_SIZE:
        return azure_bad_parameter(call,
                                   "Key and algorithm are incompatible: %.*s cannot be used with "
                                   "the size of the key %.*s, %d bits.",
                                   HF_STR_ARG(use->alg->name), HF_STR_ARG(call->audit.id),
                                   use->described.bits);
    }
    return HF_E_INTERNAL;
}

/* ---- in and out ---- */

static hf_err decode(struct api_call *call, const char *name, hf_str text, hf_bytes *out)
{
    if (text.p == NULL)
        return HF_OK;
    uint8_t *memory = hf_arena_alloc(call->arena, text.n + 1);
    if (memory == NULL)
        return HF_E_NOMEM;
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, memory, text.n + 1);
    if (hf_base64_decode(text, &buf) != HF_OK)
        return azure_bad_property(call, name);
    *out = hf_buf_view(&buf);
    return HF_OK;
}

/* Clients may leave the iv of CBC to the service (@azure/keyvault-keys does): it is made, and returned with the ciphertext. */
static hf_err make_iv(struct api_call *call, struct use *use)
{
    const size_t n = crypto_alg_iv_bytes(use->alg);
    uint8_t *iv = hf_arena_alloc(call->arena, n);
    if (iv == NULL)
        return HF_E_NOMEM;
    use->in.iv = (hf_bytes){ iv, n };
    return crypto_random(iv, n);
}

static hf_err read_input(struct api_call *call, const struct key_operation_body *body,
                         struct use *use)
{
    const bool takes_digest = use->row->run == run_verify;
    if (takes_digest && body->digest.p == NULL)
        return azure_bad_property(call, "digest");
    hf_err err = hf_base64_decode(body->value, &use->value);
    if (err != HF_OK)
        return err == HF_E_INVALID ? azure_bad_property(call, "value") : err;
    use->in.value = hf_buf_view(&use->value);
    err = decode(call, "iv", body->iv, &use->in.iv);
    if (err == HF_OK)
        err = decode(call, "aad", body->aad, &use->in.aad);
    if (err == HF_OK)
        err = decode(call, "tag", body->tag, &use->in.tag);
    if (err == HF_OK && takes_digest)
        err = decode(call, "digest", body->digest, &use->digest);
    if (err == HF_OK && body->iv.p == NULL && use->row->run == run_encrypt &&
        crypto_alg_needs_iv(use->alg))
        err = make_iv(call, use);
    use->aad_text = body->aad;
    return err;
}

/* Text: recorded traffic of the real service. */
static hf_err refuse_length(struct api_call *call, const struct use *use)
{
    const hf_bytes digest = use->row->run == run_verify ? use->digest : use->in.value;
    return azure_bad_parameter(call,
                               "Invalid length of '%s': %zu bytes. %.*s requires %zu bytes, "
                               "encoded with base64url.",
                               use->row->digest_field, digest.n, HF_STR_ARG(use->alg->name),
                               use->alg->digest_bytes);
}

static hf_err answer_use(struct api_call *call)
{
    const struct use *use = call->state;
    if (call->result == HF_E_INVALID && use->row->digest_field != NULL &&
        use->alg->digest_bytes > 0)
        return refuse_length(call, use);
    if (call->result == HF_E_INVALID)
        return azure_bad_property(call, use->diag.field);
    if (call->result != HF_OK)
        return call->result;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    if (use->row->run != run_verify)
        hf_jw_member_str(&w, "kid",
                         azure_object_id(call, &azure_keys, &use->described.version, true));
    use->row->write(use, &w);
    hf_jw_end_object(&w);
    return hf_buf_err(call->out);
}

static void run(struct api_call *call)
{
    struct use *use = call->state;
    call->result = use->row->run(use);
}

static void release_use(struct api_call *call)
{
    struct use *use = call->state;
    crypto_key_free(hf_take(&use->key));
    hf_buf_done(&use->value);
    hf_buf_done(&use->result);
}

/*
 * What takes longer than handing it to another thread and back, some 20 µs: private RSA operations, and
 * curves for which libcrypto has no fast code.
 */
static bool is_slow(const struct use *use)
{
    switch (crypto_key_family_of(use->described.type)) {
    case CRYPTO_FAMILY_RSA:
        return use->row->is_private;
    case CRYPTO_FAMILY_EC:
        return use->described.type != CRYPTO_KEY_EC_P256;
    case CRYPTO_FAMILY_OCT:
        return false;
    }
    return true;
}

static hf_err start(struct api_call *call, struct use *use)
{
    hf_err err = vault_key_open(call->worker->keys, call->vault, call->txn, &use->described,
                                call->arena, &use->key);
    if (err != HF_OK)
        return err;
    call->finish = answer_use;
    if (is_slow(use)) {
        call->compute = run;
        return HF_OK;
    }
    run(call);
    return answer_use(call);
}

static hf_err use_key(struct api_call *call, const struct use_row *row)
{
    struct azure_ref ref;
    hf_err err = azure_read_ref(call, &azure_keys, &ref);
    if (err != HF_OK)
        return err;
    struct use *use = hf_arena_new_of(call->arena, struct use);
    if (use == NULL)
        return HF_E_NOMEM;
    use->row = row;
    hf_buf_init_secret(&use->value, API_BODY_MAX_BYTES);
    hf_buf_init_secret(&use->result, API_BODY_MAX_BYTES);
    call->state = use;
    call->release = release_use;
    struct key_operation_body body = { .alg = { NULL, 0 } };
    err = azure_read_fields(call, &key_operation_body, true, &body);
    if (err != HF_OK)
        return err;
    err = vault_key_get(call->vault, call->txn, ref.name, ref.version, call->arena,
                        &use->described);
    if (err != HF_OK)
        return azure_refuse(call, &azure_keys, err);
    key_audit(call, &use->described);
    use->alg = crypto_alg_find(body.alg);
    call->audit.algorithm = use->alg == NULL ? (hf_str){ NULL, 0 } : use->alg->name;
    err = check_key(call, row, &use->described);
    if (err == HF_OK)
        err = check_algorithm(call, use);
    if (err == HF_OK)
        err = read_input(call, &body, use);
    return err == HF_OK ? start(call, use) : err;
}

hf_err key_encrypt(struct api_call *call)
{
    return use_key(call, &use_encrypt);
}

hf_err key_decrypt(struct api_call *call)
{
    return use_key(call, &use_decrypt);
}

hf_err key_wrap(struct api_call *call)
{
    return use_key(call, &use_wrap);
}

hf_err key_unwrap(struct api_call *call)
{
    return use_key(call, &use_unwrap);
}

hf_err key_sign(struct api_call *call)
{
    return use_key(call, &use_sign);
}

hf_err key_verify(struct api_call *call)
{
    return use_key(call, &use_verify);
}
