/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The installation record and the server's own sealed records.
 */
#include "server/installation.h"

#include "base/reader.h"
#include "crypto/crypto.h"
#include "server/acts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_FORMAT 1
#define RECORD_NAME_MAX_BYTES 32
#define RECORD_MAX_BYTES 4096
#define INSTALLATION_NAME "installation"
#define INSTALLATION_MAX_BYTES 64
#define BYTES_PER_KIB 1024
#define GENERATION_BYTES 8
#define GENERATION_FIRST 1

static const uint8_t generation_key[] = {
    STORE_CLASS_META, 'r', 'o', 'o', 't', '-', 'g', 'e', 'n', 'e', 'r', 'a', 't', 'i', 'o', 'n'
};

/* ---- sealed records ---- */

struct put_command {
    struct store_command store;
    hf_bytes key;
    hf_bytes value;
    uint64_t generation; /* of the root key, to be noted with it; 0: not now */
};

static hf_err apply_put(struct store_command *command, struct store_txn *txn)
{
    const struct put_command *put = HF_CONTAINER_OF(command, struct put_command, store);
    hf_err err = store_put(txn, put->key, put->value);
    if (err == HF_OK && put->generation > 0)
        err = server_generation_put(txn, put->generation);
    return err;
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

static hf_err put_record(struct store *store, struct crypto_record_key *record_key,
                         enum store_class class_byte, const char *name, hf_bytes plain,
                         uint64_t generation)
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
                                       .value = hf_buf_view(&sealed),
                                       .generation = generation };
        err = store_apply(store, &command.store);
    }
    hf_buf_done(&sealed);
    return err;
}

hf_err server_record_put(struct store *store, struct crypto_record_key *record_key,
                         enum store_class class_byte, const char *name, hf_bytes plain)
{
    return put_record(store, record_key, class_byte, name, plain, 0);
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

/* ---- the generation of the root key ---- */

hf_err server_generation_put(struct store_txn *txn, uint64_t generation)
{
    uint8_t memory[GENERATION_BYTES];
    struct hf_buf value;
    hf_buf_init_fixed(&value, memory, sizeof(memory));
    hf_buf_put_u64(&value, generation);
    return store_put(txn, (hf_bytes){ generation_key, sizeof(generation_key) },
                     hf_buf_view(&value));
}

hf_err server_generation_get(struct store_txn *txn, uint64_t *out)
{
    hf_bytes value = { NULL, 0 };
    hf_err err = store_get(txn, (hf_bytes){ generation_key, sizeof(generation_key) }, &value);
    if (err == HF_E_NOT_FOUND)
        *out = GENERATION_FIRST;
    if (err != HF_OK)
        return err == HF_E_NOT_FOUND ? HF_OK : err;
    struct hf_reader reader = hf_reader_of(value);
    const uint64_t generation = hf_read_u64(&reader);
    if (hf_reader_finish(&reader) != HF_OK || generation < GENERATION_FIRST)
        return HF_E_CORRUPT;
    *out = generation;
    return HF_OK;
}

hf_err server_generation_read(struct store *store, uint64_t *out)
{
    HF_CLEANUP(store_reader_freep) struct store_reader *reader = NULL;
    struct store_txn *txn = NULL;
    hf_err err = store_reader_new(store, &reader);
    if (err == HF_OK)
        err = store_read_begin(reader, &txn);
    if (err == HF_OK)
        err = server_generation_get(txn, out);
    store_read_end(txn);
    return err;
}

hf_err server_generation_mismatch(const char *data, uint64_t generation,
                                  const struct seal_info *seal, struct hf_diag *diag)
{
    return hf_fail(diag, HF_E_CONFLICT, "data",
                   "%s: the records are sealed under root key %" PRIu64
                   ", and the file seal holds root key %" PRIu64
                   "%s: they are not of the same time; put back the file seal that belongs to the "
                   "records, from a copy of the data folder or a backup",
                   data, generation, seal->generation,
                   seal->roots > 1 ? " and the one before" : "");
}

/* ---- the installation ---- */

void server_installation_encode(const struct server_installation *installation, struct hf_buf *out)
{
    hf_buf_put(out, installation->tenant.b, sizeof(installation->tenant.b));
    hf_buf_put(out, installation->subscription.b, sizeof(installation->subscription.b));
    hf_buf_put_i64(out, installation->created);
}

hf_err server_installation_decode(hf_bytes plain, struct server_installation *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct server_installation read = { 0 };
    hf_read_into(&reader, read.tenant.b, sizeof(read.tenant.b));
    hf_read_into(&reader, read.subscription.b, sizeof(read.subscription.b));
    read.created = hf_read_i64(&reader);
    if (hf_reader_finish(&reader) != HF_OK)
        return HF_E_CORRUPT;
    *out = read;
    return HF_OK;
}

static hf_err write_installation(struct store *store, const struct hf_secret *root,
                                 uint64_t generation,
                                 const struct server_installation *installation)
{
    uint8_t memory[INSTALLATION_MAX_BYTES];
    struct hf_buf plain;
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    server_installation_encode(installation, &plain);
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    hf_err err = server_record_key(root, &key);
    return err == HF_OK ? put_record(store, key, STORE_CLASS_META, INSTALLATION_NAME,
                                     hf_buf_view(&plain), generation)
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
    return err == HF_OK ? server_installation_decode(hf_buf_view(&plain), out) : err;
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

hf_err server_choose_root(struct store *store, const char *data, const struct seal_roots *roots,
                          struct hf_diag *diag, struct hf_secret **out)
{
    uint64_t generation = 0;
    hf_err err = server_generation_read(store, &generation);
    if (err != HF_OK)
        return hf_fail(diag, err, "data", "%s: the number of the root key in the store: %s", data,
                       hf_err_text(err));
    for (size_t i = 0; i < roots->count; i++) {
        if (roots->root[i].generation == generation)
            return hf_secret_dup(roots->root[i].key, out);
    }
    const struct seal_info seal = { .roots = roots->count,
                                    .generation = roots->root[roots->count - 1].generation };
    return server_generation_mismatch(data, generation, &seal, diag);
}

hf_err server_open_roots(const struct server_settings *settings, const struct hf_clock *clock,
                         const struct seal_roots *roots, struct hf_diag *diag,
                         struct hf_secret **out_root, struct store **out_store)
{
    HF_CLEANUP(store_closep) struct store *store = NULL;
    hf_err err = open_store(settings, clock, diag, &store);
    if (err == HF_OK)
        err = server_choose_root(store, settings->data, roots, diag, out_root);
    if (err == HF_OK)
        *out_store = hf_take(&store);
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
static hf_err make_or_open_seal(const struct server_settings *settings,
                                const struct seal_people *people, struct hf_diag *diag,
                                struct hf_secret **out, uint64_t *out_generation)
{
    struct seal_config seal = server_seal_config(settings);
    struct hf_diag made = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = seal_init(&seal, people, &made, &roots);
    if (err == HF_E_EXISTS)
        err = seal_open(&seal, people, diag, &roots);
    if (err != HF_OK)
        return hf_fail(diag, err, made.field, "%s", made.text);
    *out_generation = roots.root[roots.count - 1].generation;
    *out = hf_take(&roots.root[roots.count - 1].key);
    return HF_OK;
}

hf_err server_is_installed(struct store *store, bool *out)
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

/* The first record of the log, durable before there is an installation: one that was interrupted in between is begun again. */
static hf_err record_init(const struct server_settings *settings, struct store *store,
                          const struct hf_secret *root,
                          const struct server_installation *installation, struct hf_diag *diag)
{
    char tenant[HF_UUID_TEXT_BYTES + 1];
    char text[SERVER_ACT_DETAIL_BYTES];
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    hf_err err = server_record_key(root, &key);
    struct server_audit audit = { .settings = settings, .store = store, .record_key = key };
    hf_uuid_format(&installation->tenant, tenant);
    (void)snprintf(text, sizeof(text), "tenant=%s,kind=%s", tenant,
                   server_seal_kind_name(settings));
    const struct server_act act = { .operation = HF_LIT(SERVER_INIT_OPERATION),
                                    .detail = hf_str_from_c(text),
                                    .status = SERVER_ACT_DONE,
                                    .uid = getuid(),
                                    .time = installation->created };
    if (err == HF_OK)
        err = server_audit_open(&audit, diag);
    if (err == HF_OK)
        err = server_acts_write(audit.log, &act, 1);
    audit_close(audit.log);
    if (err == HF_OK)
        return HF_OK;
    return hf_fail(diag, err, "audit", "this cannot be recorded in the audit log: %s",
                   hf_err_text(err));
}

/* The store is locked from here on, so that two inits at once cannot both go through. */
static hf_err install_in(const struct server_settings *settings, struct store *store,
                         const struct hf_secret *root, uint64_t generation,
                         const struct hf_clock *clock, struct hf_diag *diag,
                         struct server_installation *out)
{
    struct server_installation installation = { .created = hf_clock_now(clock) };
    hf_err err = crypto_random_uuid(&installation.tenant);
    if (err == HF_OK)
        err = crypto_random_uuid(&installation.subscription);
    if (err == HF_OK)
        err = record_init(settings, store, root, &installation, diag);
    if (err == HF_OK)
        err = write_installation(store, root, generation, &installation);
    if (err == HF_OK)
        *out = installation;
    return err;
}

hf_err server_install(const struct server_settings *settings, const struct hf_clock *clock,
                      const struct seal_people *people, struct hf_diag *diag,
                      struct server_installation *out)
{
    struct store *store = NULL;
    hf_err err = open_store(settings, clock, diag, &store);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = NULL;
    bool installed = false;
    uint64_t generation = 0;
    err = server_is_installed(store, &installed);
    if (err == HF_OK && installed)
        err = HF_E_EXISTS; /* never a new seal for data that is there */
    if (err == HF_OK)
        err = make_or_open_seal(settings, people, diag, &root, &generation);
    if (err == HF_OK)
        err = install_in(settings, store, root, generation, clock, diag, out);
    store_close(store);
    return err;
}
