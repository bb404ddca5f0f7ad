/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pkcs11 kind: a random KEK, wrapped by an AES-256 key that never leaves its token. Parameters:
 *
 *   way (u8: 1 AES-GCM, 2 AES key wrap, RFC 3394) || nonce (field16; empty for 2) || wrapped KEK (field16)
 *
 * With AES-GCM the KEK goes in and out as data, and the additional data is WRAP_NAME; key wrap needs it as an object of the
 * session, and is for tokens without AES-GCM.
 */
#include "seal/kind.h"

#include "base/reader.h"
#include "crypto/crypto.h"
#include "seal/pkcs11_token.h"

#define WAY_GCM 1
#define WAY_KEY_WRAP 2
#define WRAP_NAME "holdfast seal pkcs11 v2"
#define NONCE_BYTES 12
#define TAG_BITS 128
#define WRAPPED_MAX_BYTES 256

struct wrapped_kek {
    uint8_t way;
    hf_bytes nonce;
    hf_bytes wrapped;
};

/* The library takes everything as writable, though it only reads it. */
static unsigned char *writable(const void *p)
{
    return (unsigned char *)(uintptr_t)p;
}

static hf_err parse(hf_bytes parameters, struct hf_diag *diag, struct wrapped_kek *out)
{
    struct hf_reader reader = hf_reader_of(parameters);
    struct wrapped_kek read = { 0 };
    read.way = hf_read_u8(&reader);
    read.nonce = hf_read_field16(&reader, NONCE_BYTES);
    read.wrapped = hf_read_field16(&reader, WRAPPED_MAX_BYTES);
    const size_t nonce_size = read.way == WAY_GCM ? NONCE_BYTES : 0;
    if (hf_reader_finish(&reader) != HF_OK || read.nonce.n != nonce_size || read.wrapped.n == 0 ||
        (read.way != WAY_GCM && read.way != WAY_KEY_WRAP))
        return hf_fail(diag, HF_E_CORRUPT, "", "the seal's wrapped key is not usable");
    *out = read;
    return HF_OK;
}

/* ---- AES-GCM ---- */

static CK_GCM_PARAMS gcm_parameters(hf_bytes nonce)
{
    return (CK_GCM_PARAMS){
        .pIv = writable(nonce.p),
        .ulIvLen = nonce.n,
        .ulIvBits = nonce.n * 8,
        .pAAD = writable(WRAP_NAME),
        .ulAADLen = sizeof(WRAP_NAME) - 1,
        .ulTagBits = TAG_BITS,
    };
}

static hf_err encrypt(const struct seal_token *token, CK_OBJECT_HANDLE key, struct hf_secret *kek,
                      struct hf_diag *diag, struct hf_buf *parameters)
{
    uint8_t nonce[NONCE_BYTES];
    hf_err err = crypto_random(nonce, sizeof(nonce));
    if (err != HF_OK)
        return err;
    CK_GCM_PARAMS gcm = gcm_parameters((hf_bytes){ nonce, sizeof(nonce) });
    CK_MECHANISM mechanism = { CKM_AES_GCM, &gcm, sizeof(gcm) };
    uint8_t wrapped[WRAPPED_MAX_BYTES];
    CK_ULONG n = sizeof(wrapped);
    CK_RV code = token->call->C_EncryptInit(token->session, &mechanism, key);
    if (code == CKR_OK)
        code = token->call->C_Encrypt(token->session, hf_secret_edit(kek), SEAL_KEK_BYTES, wrapped,
                                      &n);
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_FORBIDDEN, "wrapping with AES-GCM");
    hf_buf_put_u8(parameters, WAY_GCM);
    hf_buf_put_field16(parameters, (hf_bytes){ nonce, sizeof(nonce) });
    hf_buf_put_field16(parameters, (hf_bytes){ wrapped, n });
    return hf_buf_err(parameters);
}

static hf_err decrypt(const struct seal_token *token, CK_OBJECT_HANDLE key,
                      const struct wrapped_kek *wrapped, struct hf_diag *diag,
                      struct hf_secret **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *kek = NULL;
    hf_err err = hf_secret_new(WRAPPED_MAX_BYTES, &kek); /* room as the token may ask for */
    if (err != HF_OK)
        return err;
    CK_GCM_PARAMS gcm = gcm_parameters(wrapped->nonce);
    CK_MECHANISM mechanism = { CKM_AES_GCM, &gcm, sizeof(gcm) };
    CK_ULONG n = WRAPPED_MAX_BYTES;
    CK_RV code = token->call->C_DecryptInit(token->session, &mechanism, key);
    if (code == CKR_OK)
        code = token->call->C_Decrypt(token->session, writable(wrapped->wrapped.p),
                                      wrapped->wrapped.n, hf_secret_edit(kek), &n);
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_FORBIDDEN,
                               "unwrapping with AES-GCM (is it the same key?)");
    if (n != SEAL_KEK_BYTES)
        return hf_fail(diag, HF_E_CORRUPT, "", "the token gives a key of a wrong size");
    hf_secret_shrink(kek, SEAL_KEK_BYTES);
    *out = hf_take(&kek);
    return HF_OK;
}

/* ---- AES key wrap ---- */

/* The KEK as an object that lives as long as the session. */
static CK_RV create_object(const struct seal_token *token, struct hf_secret *kek,
                           CK_OBJECT_HANDLE *out)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE attributes[] = {
        { CKA_CLASS, &class, sizeof(class) },   { CKA_KEY_TYPE, &type, sizeof(type) },
        { CKA_TOKEN, &no, sizeof(no) },         { CKA_SENSITIVE, &no, sizeof(no) },
        { CKA_EXTRACTABLE, &yes, sizeof(yes) }, { CKA_VALUE, hf_secret_edit(kek), SEAL_KEK_BYTES },
    };
    return token->call->C_CreateObject(token->session, attributes, HF_ARRAY_LEN(attributes), out);
}

static hf_err wrap(const struct seal_token *token, CK_OBJECT_HANDLE key, struct hf_secret *kek,
                   struct hf_diag *diag, struct hf_buf *parameters)
{
    CK_OBJECT_HANDLE object = 0;
    CK_RV code = create_object(token, kek, &object);
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_FORBIDDEN, "bringing in the key to be wrapped");
    CK_MECHANISM mechanism = { CKM_AES_KEY_WRAP, NULL, 0 };
    uint8_t wrapped[WRAPPED_MAX_BYTES];
    CK_ULONG n = sizeof(wrapped);
    code = token->call->C_WrapKey(token->session, &mechanism, key, object, wrapped, &n);
    (void)token->call->C_DestroyObject(token->session, object);
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_FORBIDDEN, "wrapping with AES key wrap");
    hf_buf_put_u8(parameters, WAY_KEY_WRAP);
    hf_buf_put_field16(parameters, (hf_bytes){ 0 });
    hf_buf_put_field16(parameters, (hf_bytes){ wrapped, n });
    return hf_buf_err(parameters);
}

static CK_RV unwrap_object(const struct seal_token *token, CK_OBJECT_HANDLE key,
                           const struct wrapped_kek *wrapped, CK_OBJECT_HANDLE *out)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE attributes[] = {
        { CKA_CLASS, &class, sizeof(class) },   { CKA_KEY_TYPE, &type, sizeof(type) },
        { CKA_TOKEN, &no, sizeof(no) },         { CKA_SENSITIVE, &no, sizeof(no) },
        { CKA_EXTRACTABLE, &yes, sizeof(yes) },
    };
    CK_MECHANISM mechanism = { CKM_AES_KEY_WRAP, NULL, 0 };
    return token->call->C_UnwrapKey(token->session, &mechanism, key, writable(wrapped->wrapped.p),
                                    wrapped->wrapped.n, attributes, HF_ARRAY_LEN(attributes), out);
}

static hf_err unwrap(const struct seal_token *token, CK_OBJECT_HANDLE key,
                     const struct wrapped_kek *wrapped, struct hf_diag *diag,
                     struct hf_secret **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *kek = NULL;
    hf_err err = hf_secret_new(SEAL_KEK_BYTES, &kek);
    if (err != HF_OK)
        return err;
    CK_OBJECT_HANDLE object = 0;
    CK_RV code = unwrap_object(token, key, wrapped, &object);
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_FORBIDDEN,
                               "unwrapping with AES key wrap (is it the same key?)");
    CK_ATTRIBUTE value = { CKA_VALUE, hf_secret_edit(kek), SEAL_KEK_BYTES };
    code = token->call->C_GetAttributeValue(token->session, object, &value, 1);
    (void)token->call->C_DestroyObject(token->session, object);
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_CORRUPT, "reading the unwrapped key");
    if (value.ulValueLen != SEAL_KEK_BYTES)
        return hf_fail(diag, HF_E_CORRUPT, "", "the token gives a key of a wrong size");
    *out = hf_take(&kek);
    return HF_OK;
}

/* ---- the kind ---- */

static hf_err wrap_new(const struct seal_token *token, CK_OBJECT_HANDLE key, struct hf_secret *kek,
                       struct hf_diag *diag, struct hf_buf *parameters)
{
    if (seal_token_can(token, CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT))
        return encrypt(token, key, kek, diag, parameters);
    if (seal_token_can(token, CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP))
        return wrap(token, key, kek, diag, parameters);
    return hf_fail(diag, HF_E_UNSUPPORTED, "seal.pkcs11_token",
                   "the token has neither AES-GCM nor AES key wrap");
}

static hf_err make_pkcs11(const struct seal_config *config,
                          const struct seal_people *people HF_UNUSED, struct hf_diag *diag,
                          struct hf_buf *parameters, struct hf_secret **kek)
{
    HF_CLEANUP(seal_token_close) struct seal_token token = { 0 };
    hf_err err = seal_token_open(config, diag, &token);
    if (err != HF_OK)
        return err;
    CK_OBJECT_HANDLE key = 0;
    err = seal_token_find_key(&token, config->pkcs11_key, diag, &key);
    if (err == HF_E_NOT_FOUND)
        err = seal_token_make_key(&token, config->pkcs11_key, diag, &key);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *made = NULL;
    if (err == HF_OK)
        err = crypto_random_secret(SEAL_KEK_BYTES, &made);
    if (err == HF_OK)
        err = wrap_new(&token, key, made, diag, parameters);
    if (err == HF_OK)
        *kek = hf_take(&made);
    return err;
}

static hf_err open_pkcs11(const struct seal_config *config,
                          const struct seal_people *people HF_UNUSED, hf_bytes parameters,
                          struct hf_diag *diag, struct hf_secret **kek)
{
    struct wrapped_kek wrapped = { 0 };
    hf_err err = parse(parameters, diag, &wrapped);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(seal_token_close) struct seal_token token = { 0 };
    err = seal_token_open(config, diag, &token);
    CK_OBJECT_HANDLE key = 0;
    if (err == HF_OK)
        err = seal_token_find_key(&token, config->pkcs11_key, diag, &key);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, HF_E_UNAVAILABLE, "seal.pkcs11_key",
                       "the token has no key labelled \"%s\"", config->pkcs11_key);
    if (err != HF_OK)
        return err;
    return wrapped.way == WAY_GCM ? decrypt(&token, key, &wrapped, diag, kek)
                                  : unwrap(&token, key, &wrapped, diag, kek);
}

static hf_err describe_pkcs11(hf_bytes parameters, struct hf_diag *diag,
                              struct seal_info *info HF_UNUSED)
{
    struct wrapped_kek ignored = { 0 };
    return parse(parameters, diag, &ignored);
}

const struct seal_kind seal_pkcs11 = {
    .name = "pkcs11",
    .make = make_pkcs11,
    .open = open_pkcs11,
    .describe = describe_pkcs11,
    .wrong = "the token's key is not the one that it was sealed with",
};
