/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three steps of a rotation, and what it leaves for the audit log: a sealed record of the store.
 *
 *   from (u64) || to (u64) || time (i64) || recorded (u8): generations of the root key
 */
#include "server/rotate.h"

#include "access/access.h"
#include "base/reader.h"
#include "crypto/crypto.h"
#include "server/acts.h"
#include "server/backup.h"
#include "server/installation.h"
#include "vault/vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define RECORD_MAX_BYTES 4096
#define RECORD_FORMAT 1
#define ROTATED_NAME "rotated"
#define ROTATED_BYTES 25
#define ANSWERS_MAX (SEAL_SHARES_MAX + 1)

static const uint8_t rotated_key[] = { STORE_CLASS_META, 'r', 'o', 't', 'a', 't', 'e', 'd' };

/* ---- what is in a store ---- */

enum keeper {
    KEEPER_UNKNOWN, /* refused: nobody could seal it anew */
    KEEPER_NONE,    /* not sealed, or under the key of a vault */
    KEEPER_SERVER,
    KEEPER_ACCESS,
    KEEPER_VAULT,
};

static const enum keeper keepers[UINT8_MAX + 1] = {
    [STORE_CLASS_META] = KEEPER_SERVER,        [STORE_CLASS_AUDIT_HEAD] = KEEPER_SERVER,
    [STORE_CLASS_JOURNAL] = KEEPER_NONE,       [STORE_CLASS_TENANT] = KEEPER_NONE,
    [STORE_CLASS_PRINCIPAL] = KEEPER_ACCESS,   [STORE_CLASS_CLIENT] = KEEPER_ACCESS,
    [STORE_CLASS_CREDENTIAL] = KEEPER_ACCESS,  [STORE_CLASS_ASSIGNMENT] = KEEPER_ACCESS,
    [STORE_CLASS_SIGNING_KEY] = KEEPER_ACCESS, [STORE_CLASS_VAULT] = KEEPER_VAULT,
    [STORE_CLASS_OBJECT] = KEEPER_NONE,        [STORE_CLASS_VERSION] = KEEPER_NONE,
    [STORE_CLASS_VALUE] = KEEPER_NONE,         [STORE_CLASS_PURGE_DUE] = KEEPER_VAULT,
    [STORE_CLASS_BACKUP_KEYS] = KEEPER_VAULT,  [STORE_CLASS_DEV] = KEEPER_SERVER,
};

/* Records of META that anybody may read. */
static bool is_plain(hf_bytes key)
{
    static const char *const plain[] = { "format", "root-generation" };
    const hf_str name = hf_bytes_str((hf_bytes){ key.p + 1, key.n - 1 });
    for (size_t i = 0; i < HF_ARRAY_LEN(plain) && key.p[0] == STORE_CLASS_META; i++) {
        if (hf_str_equal(name, hf_str_from_c(plain[i])))
            return true;
    }
    return false;
}

/* The lowest class in the store from `from` on. HF_E_NOT_FOUND: none. */
static hf_err find_class(struct store_txn *txn, uint8_t from, uint8_t *out)
{
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_bytes key = { NULL, 0 };
    hf_bytes ignored = { NULL, 0 };
    hf_err err = store_cursor_open(txn, (hf_bytes){ NULL, 0 }, (hf_bytes){ &from, 1 }, false,
                                   &cursor);
    if (err == HF_OK)
        err = store_cursor_next(cursor, &key, &ignored);
    if (err == HF_OK)
        *out = key.p[0];
    return err;
}

static hf_err check_classes(struct store_txn *txn)
{
    uint8_t class_byte = 0;
    hf_err err = HF_OK;
    while ((err = find_class(txn, class_byte, &class_byte)) == HF_OK) {
        if (keepers[class_byte] == KEEPER_UNKNOWN)
            return HF_E_UNSUPPORTED;
        if (class_byte == UINT8_MAX)
            return HF_OK;
        class_byte++;
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

/* ---- the one commit ---- */

struct rotation {
    struct store_command command;
    const struct seal_roots *roots;
    hf_usec now;
    uint8_t seed[CRYPTO_RECORD_SEED_BYTES];
    const char *stage; /* what was being sealed, for people */
};

void server_rotated_encode(const struct server_rotated *rotated, struct hf_buf *out)
{
    hf_buf_put_u64(out, rotated->from);
    hf_buf_put_u64(out, rotated->to);
    hf_buf_put_i64(out, rotated->time);
    hf_buf_put_u8(out, rotated->is_recorded ? 1 : 0);
}

hf_err server_rotated_decode(hf_bytes plain, struct server_rotated *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct server_rotated read = { .from = hf_read_u64(&reader) };
    read.to = hf_read_u64(&reader);
    read.time = hf_read_i64(&reader);
    const uint8_t is_recorded = hf_read_u8(&reader);
    if (hf_reader_finish(&reader) != HF_OK || is_recorded > 1)
        return HF_E_CORRUPT;
    read.is_recorded = is_recorded == 1;
    *out = read;
    return HF_OK;
}

static hf_err reseal_class(const struct rotation *rotation, struct store_txn *txn,
                           uint8_t class_byte, struct crypto_record_key *from,
                           struct crypto_record_key *to)
{
    uint8_t memory[RECORD_MAX_BYTES];
    struct hf_buf sealed;
    hf_buf_init_fixed(&sealed, memory, sizeof(memory));
    HF_CLEANUP(store_cursor_closep) struct store_cursor *cursor = NULL;
    hf_err err = store_cursor_open(txn, (hf_bytes){ &class_byte, 1 }, (hf_bytes){ NULL, 0 }, false,
                                   &cursor);
    hf_bytes key = { NULL, 0 };
    hf_bytes record = { NULL, 0 };
    while (err == HF_OK && (err = store_cursor_next(cursor, &key, &record)) == HF_OK) {
        if (is_plain(key))
            continue;
        hf_buf_reset(&sealed);
        err = crypto_record_reseal(from, to, key, rotation->seed, record, &sealed);
        if (err == HF_OK)
            err = store_put(txn, key, hf_buf_view(&sealed));
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

/* What was not recorded yet since an earlier rotation is recorded with this one. */
static hf_err note_rotation(const struct rotation *rotation, struct store_txn *txn,
                            struct crypto_record_key *key)
{
    const hf_bytes place = { rotated_key, sizeof(rotated_key) };
    struct server_rotated rotated = { .from = rotation->roots->root[0].generation };
    struct server_rotated before = { .is_recorded = true };
    uint8_t memory[ROTATED_BYTES];
    uint8_t sealed_memory[ROTATED_BYTES + CRYPTO_RECORD_OVERHEAD_BYTES];
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    struct hf_buf plain;
    struct hf_buf sealed;
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    hf_buf_init_fixed(&sealed, sealed_memory, sizeof(sealed_memory));
    hf_bytes record = { NULL, 0 };
    hf_err err = store_get(txn, place, &record);
    if (err == HF_OK)
        err = crypto_record_open(key, place, RECORD_FORMAT, record, &plain);
    if (err == HF_OK)
        err = server_rotated_decode(hf_buf_view(&plain), &before);
    if (err != HF_OK && err != HF_E_NOT_FOUND)
        return err;
    if (!before.is_recorded)
        rotated.from = before.from;
    rotated.to = rotation->roots->root[1].generation;
    rotated.time = rotation->now;
    hf_buf_reset(&plain);
    server_rotated_encode(&rotated, &plain);
    err = crypto_random(nonce, sizeof(nonce));
    if (err == HF_OK)
        err = crypto_record_seal(key, place, RECORD_FORMAT, nonce, hf_buf_view(&plain), &sealed);
    return err == HF_OK ? store_put(txn, place, hf_buf_view(&sealed)) : err;
}

static hf_err reseal_server(const struct rotation *rotation, struct store_txn *txn)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *from = NULL;
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *to = NULL;
    hf_err err = server_record_key(rotation->roots->root[0].key, &from);
    if (err == HF_OK)
        err = server_record_key(rotation->roots->root[1].key, &to);
    for (unsigned class_byte = 0; class_byte <= UINT8_MAX && err == HF_OK; class_byte++) {
        if (keepers[class_byte] == KEEPER_SERVER)
            err = reseal_class(rotation, txn, (uint8_t)class_byte, from, to);
    }
    return err == HF_OK ? note_rotation(rotation, txn, to) : err;
}

static hf_err apply_rotation(struct store_command *command, struct store_txn *txn)
{
    struct rotation *rotation = HF_CONTAINER_OF(command, struct rotation, command);
    const struct hf_secret *old_root = rotation->roots->root[0].key;
    const struct hf_secret *new_root = rotation->roots->root[1].key;
    rotation->stage = "the store";
    hf_err err = check_classes(txn);
    if (err != HF_OK)
        return err;
    rotation->stage = "the vaults";
    err = vault_reseal(txn, old_root, new_root, rotation->seed);
    if (err != HF_OK)
        return err;
    rotation->stage = "principals and roles";
    err = access_reseal(txn, old_root, new_root, rotation->seed);
    if (err != HF_OK)
        return err;
    rotation->stage = "the installation";
    err = reseal_server(rotation, txn);
    if (err != HF_OK)
        return err;
    rotation->stage = "the records";
    return server_generation_put(txn, rotation->roots->root[1].generation);
}

static hf_err tell(const struct rotation *rotation, const char *data, hf_err err,
                   struct hf_diag *diag)
{
    if (err == HF_E_UNSUPPORTED)
        return hf_fail(diag, err, "data",
                       "%s: holds records of a kind that this version does not know; no record was "
                       "changed",
                       data);
    if (err == HF_E_IO)
        return hf_fail(diag, err, "data",
                       "%s: %s; whether the records are sealed anew is told by the next attempt",
                       data, hf_err_text(err));
    return hf_fail(diag, err, "data", "%s: %s could not be sealed anew: %s; no record was changed",
                   data, rotation->stage, hf_err_text(err));
}

static hf_err drop_journal(struct store *store, const char *data, struct hf_diag *diag)
{
    size_t dropped = 0;
    hf_err err = HF_OK;
    do {
        err = store_journal_drop_before_gap(store, &dropped);
    } while (err == HF_OK && dropped > 0);
    if (err == HF_OK)
        return HF_OK;
    return hf_fail(diag, err, "data",
                   "%s: the records are sealed anew, but the journal of before could not be "
                   "dropped: %s; rotate again to finish",
                   data, hf_err_text(err));
}

hf_err server_rotate_records(struct store *store, const char *data, const struct seal_roots *roots,
                             hf_usec now, struct hf_diag *diag)
{
    uint64_t generation = 0;
    const size_t last = roots->count - 1;
    hf_err err = server_generation_read(store, &generation);
    if (err != HF_OK)
        return hf_fail(diag, err, "data", "%s: %s", data, hf_err_text(err));
    if (generation == roots->root[last].generation)
        return drop_journal(store, data, diag);
    if (roots->count != SEAL_ROOTS_MAX || generation != roots->root[0].generation) {
        const struct seal_info seal = { .roots = roots->count,
                                        .generation = roots->root[last].generation };
        return server_generation_mismatch(data, generation, &seal, diag);
    }
    struct rotation rotation = {
        .command = { .apply = apply_rotation }, .roots = roots, .now = now, .stage = ""
    };
    err = crypto_random(rotation.seed, sizeof(rotation.seed));
    if (err == HF_OK)
        err = store_apply(store, &rotation.command);
    return err == HF_OK ? drop_journal(store, data, diag) : tell(&rotation, data, err, diag);
}

/* ---- people: asked once for both changes of the seal ---- */

struct answers {
    const struct seal_people *people;
    struct {
        enum seal_ask what;
        size_t index;
        struct hf_secret *answer;
    } items[ANSWERS_MAX];
    size_t count;
};

static void answers_done(struct answers *answers)
{
    for (size_t i = 0; i < answers->count; i++)
        hf_secret_free(answers->items[i].answer);
}

static hf_err ask_once(void *context, enum seal_ask what, size_t index, struct hf_secret **out)
{
    struct answers *answers = context;
    for (size_t i = 0; i < answers->count; i++) {
        if (answers->items[i].what == what && answers->items[i].index == index)
            return hf_secret_dup(answers->items[i].answer, out);
    }
    hf_err err = answers->people->ask(answers->people->context, what, index, out);
    if (err != HF_OK || answers->count == ANSWERS_MAX)
        return err;
    answers->items[answers->count].what = what;
    answers->items[answers->count].index = index;
    err = hf_secret_dup(*out, &answers->items[answers->count].answer);
    answers->count += err == HF_OK;
    if (err != HF_OK)
        hf_secret_free(hf_take(out));
    return err;
}

/* ---- the whole ---- */

/* The lock of the store is what keeps a server, and another rotation, out until the end. */
static hf_err open_alone(const struct server_settings *settings, struct hf_diag *diag,
                         struct store **out)
{
    struct seal_info ignored = { 0 };
    struct hf_diag found = { 0 };
    const struct store_config config = { .folder = settings->data };
    hf_err err = seal_read_info(settings->data, &found,
                                &ignored); /* no folder is made for nothing */
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, err, "data", "%s is not initialised; run 'holdfast init' first",
                       settings->data);
    if (err == HF_OK)
        err = store_open(&config, &found, out);
    if (err == HF_E_BUSY)
        return hf_fail(diag, err, "data",
                       "%s is in use: stop the server or seal it, then rotate the root key",
                       settings->data);
    return err == HF_OK ? HF_OK : hf_fail(diag, err, found.field, "%s", found.text);
}

/* Before anything is changed: a rotation of what cannot be opened would only make it worse. */
static hf_err check_fit(struct store *store, const char *data, struct hf_diag *diag)
{
    struct seal_info seal = { 0 };
    bool is_installed = false;
    uint64_t generation = 0;
    hf_err err = server_is_installed(store, &is_installed);
    if (err == HF_OK && !is_installed)
        return hf_fail(diag, HF_E_NOT_FOUND, "data",
                       "%s was not initialised to the end; run 'holdfast init' again", data);
    if (err == HF_OK)
        err = server_generation_read(store, &generation);
    if (err != HF_OK)
        return hf_fail(diag, err, "data", "%s: %s", data, hf_err_text(err));
    err = seal_read_info(data, diag, &seal);
    if (err != HF_OK)
        return err;
    if (generation > seal.generation || seal.generation - generation >= seal.roots)
        return server_generation_mismatch(data, generation, &seal, diag);
    return HF_OK;
}

/* Opens the log under the root key that the records are sealed under now. The caller closes it. */
static hf_err open_audit(const struct server_settings *settings, struct store *store,
                         const struct seal_roots *roots, struct hf_diag *diag,
                         struct audit_log **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = NULL;
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    hf_err err = server_choose_root(store, settings->data, roots, diag, &root);
    if (err == HF_OK)
        err = server_record_key(root, &key);
    struct server_audit audit = { .settings = settings, .store = store, .record_key = key };
    if (err == HF_OK)
        err = server_audit_open(&audit, diag);
    *out = audit.log;
    return err;
}

static hf_err record(struct audit_log *log, const struct seal_roots *roots, int status, hf_err why,
                     hf_usec now)
{
    char text[SERVER_ACT_DETAIL_BYTES];
    (void)snprintf(text, sizeof(text), "from=%" PRIu64 ",to=%" PRIu64, roots->root[0].generation,
                   roots->root[roots->count - 1].generation);
    const struct server_act act = { .operation = HF_LIT(SERVER_ROTATE_OPERATION),
                                    .detail = hf_str_from_c(text),
                                    .description = hf_str_from_c(why == HF_OK ? ""
                                                                              : hf_err_text(why)),
                                    .status = status,
                                    .uid = getuid(),
                                    .time = now };
    return server_acts_write(log, &act, 1);
}

/* The note of the commit becomes a record, and the store knows the end of the log. If not now, the next start does it. */
static void record_end(const struct server_settings *settings, struct store *store,
                       const struct hf_secret *root, struct audit_log *log, hf_usec now)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    hf_err err = server_record_key(root, &key);
    struct server_audit audit = {
        .settings = settings, .store = store, .record_key = key, .log = log
    };
    if (err == HF_OK)
        err = server_rotated_record(store, key, log, getuid(), now);
    if (err == HF_OK)
        err = server_audit_note_head(&audit);
    hf_ignore(
        err); /* the note stays until it is recorded; the log may be longer than the store knows */
}

/*
 * That it has begun is recorded when the new root key is in the seal and before any record is sealed under it. Nothing is read
 * or written with that key until then: killed between the two, nothing of effect has happened, and whoever goes on comes by here.
 */
static hf_err rotate_recorded(const struct server_settings *settings, struct store *store,
                              const struct seal_roots *roots, hf_usec now, struct hf_diag *diag)
{
    struct audit_log *log = NULL;
    hf_err err = open_audit(settings, store, roots, diag, &log);
    if (err == HF_OK)
        err = record(log, roots, SERVER_ACT_BEGUN, HF_OK, now);
    if (err != HF_OK) {
        audit_close(log);
        return hf_fail(diag, err, "audit",
                       "this cannot be recorded in the audit log: %s; no record was changed",
                       hf_err_text(err));
    }
    err = server_rotate_records(store, settings->data, roots, now, diag);
    if (err == HF_OK)
        record_end(settings, store, roots->root[roots->count - 1].key, log, now);
    else
        hf_ignore(
            record(log, roots, server_act_status(err), err, now)); /* err is told in any case */
    audit_close(log);
    return err;
}

static hf_err rotate(const struct server_settings *settings, struct store *store,
                     const struct seal_people *people, hf_usec now, struct hf_diag *diag,
                     uint64_t *out_generation)
{
    const struct seal_config seal = server_seal_config(settings);
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = check_fit(store, settings->data, diag);
    if (err == HF_OK)
        err = seal_rotate_begin(&seal, people, diag, &roots);
    if (err == HF_OK)
        err = rotate_recorded(settings, store, &roots, now, diag);
    if (err != HF_OK)
        return err;
    *out_generation = roots.root[roots.count - 1].generation;
    return seal_rotate_end(&seal, people, diag);
}

hf_err server_rotate_root(const struct server_settings *settings, const struct hf_clock *clock,
                          const struct seal_people *people, struct hf_diag *diag,
                          uint64_t *out_generation)
{
    HF_CLEANUP(answers_done) struct answers answers = { .people = people };
    const struct seal_people asked = { .context = &answers, .ask = ask_once };
    const bool can_ask = people != NULL && people->ask != NULL;
    struct store *store = NULL;
    hf_err err = open_alone(settings, diag, &store);
    if (err == HF_OK)
        err = rotate(settings, store, can_ask ? &asked : NULL, hf_clock_now(clock), diag,
                     out_generation);
    store_close(store);
    return err;
}

/* ---- the audit log ---- */

hf_err server_rotated_record(struct store *store, struct crypto_record_key *record_key,
                             struct audit_log *log, int64_t uid, hf_usec now)
{
    uint8_t memory[ROTATED_BYTES];
    char text[SERVER_ACT_DETAIL_BYTES];
    struct hf_buf plain;
    struct server_rotated rotated = { .from = 0 };
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    hf_err err = server_record_get(store, record_key, STORE_CLASS_META, ROTATED_NAME, &plain);
    if (err == HF_OK)
        err = server_rotated_decode(hf_buf_view(&plain), &rotated);
    if (err != HF_OK || rotated.is_recorded)
        return err == HF_E_NOT_FOUND ? HF_OK : err;
    (void)snprintf(text, sizeof(text), "from=%" PRIu64 ",to=%" PRIu64, rotated.from, rotated.to);
    const struct server_act act = { .operation = HF_LIT(SERVER_ROTATE_OPERATION),
                                    .detail = hf_str_from_c(text),
                                    .status = SERVER_ACT_DONE,
                                    .uid = uid,
                                    .time = now };
    err = server_acts_write(log, &act, 1);
    if (err != HF_OK)
        return err;
    rotated.is_recorded = true;
    hf_buf_reset(&plain);
    server_rotated_encode(&rotated, &plain);
    return server_record_put(store, record_key, STORE_CLASS_META, ROTATED_NAME,
                             hf_buf_view(&plain));
}
