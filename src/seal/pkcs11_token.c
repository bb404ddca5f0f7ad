/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with a PKCS#11 token (PKCS #11 v2.40).
 */
#include "seal/pkcs11_token.h"

#include "seal/kind.h"

#include <dlfcn.h>
#include <string.h>

#define SLOTS_MAX 64
#define PIN_MAX_BYTES 256
#define AES_KEY_BYTES 32
#define LABEL_MAX_BYTES 255

/* ---- errors ---- */

static const struct {
    CK_RV code;
    hf_err err;
    const char *text;
} token_errors[] = {
    { CKR_PIN_INCORRECT, HF_E_FORBIDDEN, "wrong PIN" },
    { CKR_PIN_LEN_RANGE, HF_E_FORBIDDEN, "wrong PIN" },
    { CKR_PIN_LOCKED, HF_E_FORBIDDEN, "the PIN is locked" },
    { CKR_PIN_EXPIRED, HF_E_FORBIDDEN, "the PIN has expired" },
    { CKR_USER_PIN_NOT_INITIALIZED, HF_E_UNAVAILABLE, "the token has no PIN yet" },
    { CKR_DEVICE_ERROR, HF_E_UNAVAILABLE, "device error" },
    { CKR_DEVICE_REMOVED, HF_E_UNAVAILABLE, "the device was removed" },
    { CKR_TOKEN_NOT_PRESENT, HF_E_UNAVAILABLE, "the token is not there" },
    { CKR_TOKEN_WRITE_PROTECTED, HF_E_FORBIDDEN, "the token is write-protected" },
    { CKR_SESSION_HANDLE_INVALID, HF_E_UNAVAILABLE, "the session was closed" },
    { CKR_SESSION_COUNT, HF_E_UNAVAILABLE, "too many sessions" },
    { CKR_HOST_MEMORY, HF_E_NOMEM, "out of memory" },
};

hf_err seal_token_fail(struct hf_diag *diag, CK_RV code, hf_err refusal, const char *operation)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(token_errors); i++) {
        if (token_errors[i].code == code)
            return hf_fail(diag, token_errors[i].err, "", "PKCS#11 token: %s: %s", operation,
                           token_errors[i].text);
    }
    return hf_fail(diag, refusal, "", "PKCS#11 token: %s: code 0x%08lx", operation, code);
}

/* ---- library and session ---- */

static hf_err load(const char *path, struct hf_diag *diag, struct seal_token *token)
{
    if (path == NULL || path[0] == '\0')
        return hf_fail(diag, HF_E_INVALID, "seal.pkcs11_module", "no PKCS#11 library given");
    token->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (token->library == NULL)
        return hf_fail(diag, HF_E_UNAVAILABLE, "seal.pkcs11_module", "%s", dlerror());
    CK_C_GetFunctionList get_list = NULL;
    void *symbol = dlsym(token->library, "C_GetFunctionList");
    memcpy(&get_list, &symbol, sizeof(get_list)); /* ISO C has no cast from object to function */
    if (get_list == NULL || get_list(&token->call) != CKR_OK || token->call == NULL)
        return hf_fail(diag, HF_E_UNAVAILABLE, "seal.pkcs11_module", "%s: is no PKCS#11 library",
                       path);
    CK_C_INITIALIZE_ARGS arguments = { .flags = CKF_OS_LOCKING_OK };
    CK_RV code = token->call->C_Initialize(&arguments);
    if (code != CKR_OK && code != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return seal_token_fail(diag, code, HF_E_UNAVAILABLE, "starting the library");
    token->is_initialised = code == CKR_OK;
    return HF_OK;
}

/* Labels of tokens are padded with blanks. */
static bool is_label(const CK_TOKEN_INFO *info, hf_str label)
{
    hf_str found = { (const char *)info->label, sizeof(info->label) };
    while (found.n > 0 && found.p[found.n - 1] == ' ')
        found.n--;
    return hf_str_equal(found, label);
}

static hf_err find_slot(struct seal_token *token, const char *label, struct hf_diag *diag)
{
    if (label == NULL || label[0] == '\0')
        return hf_fail(diag, HF_E_INVALID, "seal.pkcs11_token", "no label of a token given");
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_RV code = token->call->C_GetSlotList(CK_TRUE, slots, &count);
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_UNAVAILABLE, "listing the slots");
    size_t found = 0;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info = { 0 };
        if (token->call->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
            !is_label(&info, hf_str_from_c(label)))
            continue;
        token->slot = slots[i];
        found++;
    }
    if (found == 0)
        return hf_fail(diag, HF_E_UNAVAILABLE, "seal.pkcs11_token", "no token is labelled \"%s\"",
                       label);
    if (found > 1)
        return hf_fail(diag, HF_E_INVALID, "seal.pkcs11_token",
                       "several tokens are labelled \"%s\"", label);
    return HF_OK;
}

static hf_err read_pin(const char *path, struct hf_diag *diag, struct hf_buf *out)
{
    if (path == NULL || path[0] == '\0')
        return hf_fail(diag, HF_E_INVALID, "seal.pkcs11_pin_file", "no file of the PIN given");
    hf_err err = seal_read_private(path, SEAL_PRIVATE_MODES, diag, out);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, HF_E_UNAVAILABLE, "seal.pkcs11_pin_file", "%s: is missing", path);
    if (err == HF_E_TOO_LARGE)
        return hf_fail(diag, HF_E_INVALID, "seal.pkcs11_pin_file", "%s: is no PIN", path);
    return err;
}

static hf_err log_in(const struct seal_token *token, const char *pin_file, struct hf_diag *diag)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf pin;
    hf_buf_init_secret(&pin, PIN_MAX_BYTES);
    hf_err err = read_pin(pin_file, diag, &pin);
    if (err != HF_OK)
        return err;
    size_t n = pin.n;
    while (n > 0 && (pin.p[n - 1] == '\n' || pin.p[n - 1] == '\r'))
        n--;
    CK_RV code = token->call->C_Login(token->session, CKU_USER, pin.p, n);
    if (code != CKR_OK && code != CKR_USER_ALREADY_LOGGED_IN)
        return seal_token_fail(diag, code, HF_E_FORBIDDEN, "logging in");
    return HF_OK;
}

hf_err seal_token_open(const struct seal_config *config, struct hf_diag *diag,
                       struct seal_token *out)
{
    hf_err err = load(config->pkcs11_module, diag, out);
    if (err == HF_OK)
        err = find_slot(out, config->pkcs11_token, diag);
    if (err != HF_OK)
        return err;
    CK_RV code = out->call->C_OpenSession(out->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                                          NULL, &out->session);
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_UNAVAILABLE, "opening a session");
    out->has_session = true;
    return log_in(out, config->pkcs11_pin_file, diag);
}

void seal_token_close(struct seal_token *token)
{
    if (token->has_session) {
        (void)token->call->C_Logout(token->session);
        (void)token->call->C_CloseSession(token->session);
    }
    if (token->is_initialised)
        (void)token->call->C_Finalize(NULL);
    *token = (struct seal_token){ 0 };
}

bool seal_token_can(const struct seal_token *token, CK_MECHANISM_TYPE mechanism, CK_FLAGS flags)
{
    CK_MECHANISM_INFO info = { 0 };
    return token->call->C_GetMechanismInfo(token->slot, mechanism, &info) == CKR_OK &&
           (info.flags & flags) == flags;
}

/* ---- the key ---- */

/* Attributes and mechanisms point to writable memory, though the library only reads it. */
static void *writable(const void *p)
{
    return (void *)(uintptr_t)p;
}

static hf_err check_label(const char *label, struct hf_diag *diag)
{
    if (label == NULL || label[0] == '\0' || strlen(label) > LABEL_MAX_BYTES)
        return hf_fail(diag, HF_E_INVALID, "seal.pkcs11_key", "no label of a key given");
    return HF_OK;
}

static hf_err check_key(const struct seal_token *token, CK_OBJECT_HANDLE key, const char *label,
                        struct hf_diag *diag)
{
    CK_KEY_TYPE type = 0;
    CK_ULONG size = 0;
    CK_BBOOL is_sensitive = CK_FALSE;
    CK_BBOOL is_extractable = CK_TRUE;
    CK_ATTRIBUTE attributes[] = {
        { CKA_KEY_TYPE, &type, sizeof(type) },
        { CKA_VALUE_LEN, &size, sizeof(size) },
        { CKA_SENSITIVE, &is_sensitive, sizeof(is_sensitive) },
        { CKA_EXTRACTABLE, &is_extractable, sizeof(is_extractable) },
    };
    CK_RV code = token->call->C_GetAttributeValue(token->session, key, attributes,
                                                  HF_ARRAY_LEN(attributes));
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_FORBIDDEN, "looking at the key");
    if (type != CKK_AES || size != AES_KEY_BYTES)
        return hf_fail(diag, HF_E_FORBIDDEN, "seal.pkcs11_key", "\"%s\" is no AES-256 key", label);
    if (is_sensitive != CK_TRUE || is_extractable != CK_FALSE)
        return hf_fail(diag, HF_E_FORBIDDEN, "seal.pkcs11_key",
                       "\"%s\" can be read out of the token: it must be sensitive and not "
                       "extractable",
                       label);
    return HF_OK;
}

hf_err seal_token_find_key(const struct seal_token *token, const char *label, struct hf_diag *diag,
                           CK_OBJECT_HANDLE *out)
{
    hf_err err = check_label(label, diag);
    if (err != HF_OK)
        return err;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ATTRIBUTE wanted[] = {
        { CKA_CLASS, &class, sizeof(class) },
        { CKA_LABEL, writable(label), strlen(label) },
    };
    CK_OBJECT_HANDLE keys[2] = { 0 };
    CK_ULONG count = 0;
    CK_RV code = token->call->C_FindObjectsInit(token->session, wanted, HF_ARRAY_LEN(wanted));
    if (code == CKR_OK) {
        code = token->call->C_FindObjects(token->session, keys, HF_ARRAY_LEN(keys), &count);
        (void)token->call->C_FindObjectsFinal(token->session);
    }
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_UNAVAILABLE, "looking for the key");
    if (count == 0)
        return HF_E_NOT_FOUND;
    if (count > 1)
        return hf_fail(diag, HF_E_INVALID, "seal.pkcs11_key", "several keys are labelled \"%s\"",
                       label);
    err = check_key(token, keys[0], label, diag);
    if (err == HF_OK)
        *out = keys[0];
    return err;
}

hf_err seal_token_make_key(const struct seal_token *token, const char *label, struct hf_diag *diag,
                           CK_OBJECT_HANDLE *out)
{
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ULONG size = AES_KEY_BYTES;
    CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
    CK_ATTRIBUTE attributes[] = {
        { CKA_TOKEN, &yes, sizeof(yes) },       { CKA_PRIVATE, &yes, sizeof(yes) },
        { CKA_SENSITIVE, &yes, sizeof(yes) },   { CKA_EXTRACTABLE, &no, sizeof(no) },
        { CKA_ENCRYPT, &yes, sizeof(yes) },     { CKA_DECRYPT, &yes, sizeof(yes) },
        { CKA_WRAP, &yes, sizeof(yes) },        { CKA_UNWRAP, &yes, sizeof(yes) },
        { CKA_VALUE_LEN, &size, sizeof(size) }, { CKA_LABEL, writable(label), strlen(label) },
    };
    CK_OBJECT_HANDLE key = 0;
    CK_RV code = token->call->C_GenerateKey(token->session, &mechanism, attributes,
                                            HF_ARRAY_LEN(attributes), &key);
    if (code != CKR_OK)
        return seal_token_fail(diag, code, HF_E_FORBIDDEN, "making the key");
    hf_err err = check_key(token, key, label, diag); /* what the token made of our wishes */
    if (err == HF_OK)
        *out = key;
    return err;
}
