/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The installation record and the server's own sealed records.
 */
#include "server/installation.h"

#include "base/reader.h"
#include "crypto/crypto.h"
#include <stdlib.h>
#include <string.h>

#define RECORD_FORMAT 1
#define RECORD_NAME_MAX_BYTES 32
#define RECORD_MAX_BYTES 4096
#define INSTALLATION_NAME "installation"
#define INSTALLATION_MAX_BYTES 64
#define BYTES_PER_KIB 1024

/* ---- sealed records ---- */

struct put_command {
    struct store_command store;
    hf_bytes key;
    hf_bytes value;
};

static hf_err apply_put(struct store_command *command, struct store_txn *txn)
{
    const struct put_command *put = HF_CONTAINER_OF(command, struct put_command, store);
    return store_put(txn, put->key, put->value);
}

static size_t make_key(enum store_class class_byte, const char *name,
                       uint8_t out[1 + RECORD_NAME_MAX_BYTES])
{
    size_t n = strnlen(name, RECORD_NAME_MAX_BYTES);
    out[0] = (uint8_t)class_byte;
    memcpy(out + 1, name, n);
    return 1 + n;
}

hf_err server_record_key(const struct hf_secret *root, struct crypto_record_key **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *key = NULL;
    hf_err err = crypto_kdf(root, HF_LIT("holdfast server v1"), (hf_bytes){ NULL, 0 }, &key);
    return err == HF_OK ? crypto_record_key_new(key, out) : err;
}

hf_err server_record_put(struct store *store, struct crypto_record_key *record_key,
                         enum store_class class_byte, const char *name, hf_bytes plain)
{
    uint8_t key_memory[1 + RECORD_NAME_MAX_BYTES];
    hf_bytes key = { key_memory, make_key(class_byte, name, key_memory) };
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    struct hf_buf sealed;
    hf_buf_init(&sealed, RECORD_MAX_BYTES);
    hf_err err = crypto_random(nonce, sizeof(nonce));
    if (err == HF_OK)
        err = crypto_record_seal(record_key, key, RECORD_FORMAT, nonce, plain, &sealed);
    if (err == HF_OK) {
        struct put_command command = { .store = { .apply = apply_put },
                                       .key = key,
                                       .value = hf_buf_view(&sealed) };
        err = store_apply(store, &command.store);
    }
    hf_buf_done(&sealed);
    return err;
}

hf_err server_record_get(struct store *store, struct crypto_record_key *record_key,
                         enum store_class class_byte, const char *name, struct hf_buf *out)
{
    uint8_t key_memory[1 + RECORD_NAME_MAX_BYTES];
    hf_bytes key = { key_memory, make_key(class_byte, name, key_memory) };
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    hf_err err = store_reader_new(store, &reader);
    if (err == HF_OK)
        err = store_read_begin(reader, &txn);
    hf_bytes sealed;
    if (err == HF_OK)
        err = store_get(txn, key, &sealed);
    if (err == HF_OK)
        err = crypto_record_open(record_key, key, RECORD_FORMAT, sealed, out);
    if (txn != NULL)
        store_read_end(txn);
    store_reader_free(reader);
    return err;
}

/* ---- the installation ---- */

static hf_err write_installation(struct store *store, const struct hf_secret *root,
                                 const struct server_installation *installation)
{
    uint8_t memory[INSTALLATION_MAX_BYTES];
    struct hf_buf plain;
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    hf_buf_put(&plain, installation->tenant.b, sizeof(installation->tenant.b));
    hf_buf_put(&plain, installation->subscription.b, sizeof(installation->subscription.b));
    hf_buf_put_i64(&plain, installation->created);
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    hf_err err = server_record_key(root, &key);
    return err == HF_OK ? server_record_put(store, key, STORE_CLASS_META, INSTALLATION_NAME,
                                            hf_buf_view(&plain))
                        : err;
}

hf_err server_installation_read(struct store *store, const struct hf_secret *root,
                                struct server_installation *out)
{
    uint8_t memory[INSTALLATION_MAX_BYTES];
    struct hf_buf plain;
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    hf_err err = server_record_key(root, &key);
    if (err == HF_OK)
        err = server_record_get(store, key, STORE_CLASS_META, INSTALLATION_NAME, &plain);
    if (err != HF_OK)
        return err;
    struct hf_reader reader = hf_reader_of(hf_buf_view(&plain));
    struct server_installation read = { 0 };
    hf_read_into(&reader, read.tenant.b, sizeof(read.tenant.b));
    hf_read_into(&reader, read.subscription.b, sizeof(read.subscription.b));
    read.created = hf_read_i64(&reader);
    if (hf_reader_finish(&reader) != HF_OK)
        return HF_E_CORRUPT;
    *out = read;
    return HF_OK;
}

struct seal_config server_seal_config(const struct server_settings *settings)
{
    return (struct seal_config){
        .kind = server_seal_kind_name(settings),
        .folder = settings->data,
        .key_file = settings->seal_key_file,
        .credential = settings->seal_credential,
        .credentials_folder = getenv("CREDENTIALS_DIRECTORY"),
        .argon2_memory_kib = (uint32_t)(settings->seal_argon2_memory / BYTES_PER_KIB),
        .argon2_passes = (uint32_t)settings->seal_argon2_passes,
        .argon2_lanes = (uint32_t)settings->seal_argon2_lanes,
        .shares = (uint32_t)settings->seal_shares,
        .threshold = (uint32_t)settings->seal_threshold,
        .pkcs11_module = settings->seal_pkcs11_module,
        .pkcs11_token = settings->seal_pkcs11_token,
        .pkcs11_key = settings->seal_pkcs11_key,
        .pkcs11_pin_file = settings->seal_pkcs11_pin_file,
        .tpm_tcti = settings->seal_tpm_tcti,
        .tpm_pcrs = settings->seal_tpm_pcrs,
    };
}

static hf_err open_store(const struct server_settings *settings, const struct hf_clock *clock,
                         struct hf_diag *diag, struct store **out)
{
    struct store_config config = { .folder = settings->data,
                                   .journal = settings->journal_keep > 0,
                                   .clock = clock };
    return store_open(&config, diag, out);
}

hf_err server_open_roots(const struct server_settings *settings, const struct hf_clock *clock,
                         const struct seal_roots *roots, struct hf_diag *diag,
                         struct hf_secret **out_root, struct store **out_store)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = NULL;
    hf_err err = hf_secret_dup(roots->root[roots->count - 1].key, &root);
    if (err == HF_OK)
        err = open_store(settings, clock, diag, out_store);
    if (err == HF_OK)
        *out_root = hf_take(&root);
    return err;
}

hf_err server_open(const struct server_settings *settings, const struct hf_clock *clock,
                   struct hf_diag *diag, struct hf_secret **out_root, struct store **out_store)
{
    struct seal_config seal = server_seal_config(settings);
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = seal_open(&seal, NULL, diag, &roots);
    return err == HF_OK ? server_open_roots(settings, clock, &roots, diag, out_root, out_store)
                        : err;
}

/* An interrupted init has left a seal without a record: its root key is used on. */
static hf_err make_or_open_seal(const struct server_settings *settings, struct hf_diag *diag,
                                struct hf_secret **out)
{
    struct seal_config seal = server_seal_config(settings);
    struct hf_diag ignored = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = seal_init(&seal, NULL, &ignored, &roots);
    if (err == HF_E_EXISTS)
        err = seal_open(&seal, NULL, diag, &roots);
    if (err != HF_OK)
        return hf_fail(diag, err, ignored.field, "%s", ignored.text);
    *out = hf_take(&roots.root[roots.count - 1].key);
    return HF_OK;
}

/* Whether there is an installation record; its content is sealed. */
static hf_err is_installed(struct store *store, bool *out)
{
    uint8_t key_memory[1 + RECORD_NAME_MAX_BYTES];
    hf_bytes key = { key_memory, make_key(STORE_CLASS_META, INSTALLATION_NAME, key_memory) };
    struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    hf_err err = store_reader_new(store, &reader);
    if (err == HF_OK)
        err = store_read_begin(reader, &txn);
    hf_bytes ignored;
    if (err == HF_OK)
        err = store_get(txn, key, &ignored);
    *out = err == HF_OK;
    if (txn != NULL)
        store_read_end(txn);
    store_reader_free(reader);
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

/* The store is locked from here on, so that two inits at once cannot both go through. */
static hf_err install_in(struct store *store, const struct hf_secret *root,
                         const struct hf_clock *clock, struct server_installation *out)
{
    struct server_installation installation = { .created = hf_clock_now(clock) };
    hf_err err = crypto_random_uuid(&installation.tenant);
    if (err == HF_OK)
        err = crypto_random_uuid(&installation.subscription);
    if (err == HF_OK)
        err = write_installation(store, root, &installation);
    if (err == HF_OK)
        *out = installation;
    return err;
}

hf_err server_install(const struct server_settings *settings, const struct hf_clock *clock,
                      struct hf_diag *diag, struct server_installation *out)
{
    struct store *store = NULL;
    hf_err err = open_store(settings, clock, diag, &store);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = NULL;
    bool installed = false;
    err = is_installed(store, &installed);
    if (err == HF_OK && installed)
        err = HF_E_EXISTS; /* never a new seal for data that is there */
    if (err == HF_OK)
        err = make_or_open_seal(settings, diag, &root);
    if (err == HF_OK)
        err = install_in(store, root, clock, out);
    store_close(store);
    return err;
}
