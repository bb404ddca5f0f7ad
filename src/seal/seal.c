/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of kinds, and what is done with a seal: made, opened, protected anew, rotated, carried elsewhere. Every change of the
 * file is one replacement by a whole new one that was opened before it was written.
 */
#include "seal/seal.h"

#include "base/file.h"
#include "crypto/crypto.h"
#include "seal/file.h"
#include "seal/kind.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SEAL_FILE_NAME "seal"
#define SEAL_FILE_MODE 0600
#define SEAL_FOLDER_MODE 0700
#define BYTES_NAME "the seal" /* what people read for a seal without a path */

static const struct seal_kind *const kinds[] = {
    &seal_key_file, &seal_credential, &seal_passphrase, &seal_shamir, &seal_pkcs11, &seal_tpm2,
};

void seal_roots_done(struct seal_roots *roots)
{
    for (size_t i = 0; i < SEAL_ROOTS_MAX; i++)
        hf_secret_free(roots->root[i].key);
    *roots = (struct seal_roots){ 0 };
}

/* ---- kinds ---- */

/* NULL if there is none of this name. */
static const struct seal_kind *find_kind(hf_str name, struct hf_diag *diag)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
        if (hf_str_equal(name, hf_str_from_c(kinds[i]->name)))
            return kinds[i];
    }
    (void)hf_fail(diag, HF_E_UNSUPPORTED, "seal.kind", "there is no seal of kind \"%.*s\"",
                  HF_STR_ARG(name));
    return NULL;
}

/* The file's kind, which must be the configured one if there is one. */
static hf_err kind_of(const struct seal_file *file, const struct seal_config *config,
                      struct hf_diag *diag, const struct seal_kind **out)
{
    const hf_str wanted = hf_str_from_c(config->kind);
    const struct seal_kind *kind = find_kind(file->kind, diag);
    if (kind == NULL)
        return HF_E_UNSUPPORTED;
    if (wanted.n > 0 && !hf_str_equal(wanted, file->kind))
        return hf_fail(diag, HF_E_UNSUPPORTED, "seal.kind",
                       "the seal is of kind \"%s\", not \"%s\": \"holdfast operator migrate-seal\" "
                       "changes it",
                       kind->name, config->kind);
    *out = kind;
    return HF_OK;
}

/* A KEK with what the file says of it. */
struct protection {
    const struct seal_kind *kind;
    struct hf_buf parameters;
    uint8_t id[SEAL_ID_BYTES];
    struct hf_secret *kek;
};

static void protection_done(struct protection *protection)
{
    hf_buf_done(&protection->parameters);
    hf_secret_free(protection->kek);
    protection->kek = NULL;
}

static hf_err prove(const struct protection *protection, const struct seal_config *config,
                    const struct seal_people *people, struct hf_diag *diag)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *kek = NULL;
    const struct seal_kind *kind = protection->kind;
    hf_err err = kind->open(config, people, hf_buf_view(&protection->parameters), diag, &kek);
    if (err != HF_OK)
        return err;
    if (!hf_secret_equal(kek, (hf_bytes){ hf_secret_edit(protection->kek), SEAL_KEK_BYTES }))
        return hf_fail(diag, HF_E_INTERNAL, "", "a new seal of kind \"%s\" does not open again",
                       kind->name);
    return HF_OK;
}

/* out is zeroed, and to be done by the caller in any case. */
static hf_err protect(const struct seal_kind *kind, const struct seal_config *config,
                      const struct seal_people *people, struct hf_diag *diag,
                      struct protection *out)
{
    out->kind = kind;
    hf_buf_init(&out->parameters, SEAL_PARAMETERS_MAX_BYTES);
    hf_err err = crypto_random(out->id, sizeof(out->id));
    if (err == HF_OK)
        err = kind->make(config, people, diag, &out->parameters, &out->kek);
    if (err != HF_OK)
        return err;
    if (hf_secret_size(out->kek) != SEAL_KEK_BYTES)
        return HF_E_INTERNAL;
    return kind->asks_people ? HF_OK : prove(out, config, people, diag);
}

static hf_err unprotect(const struct seal_file *file, const struct seal_config *config,
                        const struct seal_people *people, struct hf_diag *diag,
                        struct protection *out)
{
    hf_buf_init(&out->parameters, SEAL_PARAMETERS_MAX_BYTES);
    hf_err err = kind_of(file, config, diag, &out->kind);
    if (err != HF_OK)
        return err;
    if (file->id.n != SEAL_ID_BYTES)
        return HF_E_INTERNAL;
    memcpy(out->id, file->id.p, SEAL_ID_BYTES);
    hf_buf_put_bytes(&out->parameters, file->parameters);
    err = hf_buf_err(&out->parameters);
    if (err == HF_OK)
        err = out->kind->open(config, people, file->parameters, diag, &out->kek);
    if (err != HF_OK)
        return err;
    if (hf_secret_size(out->kek) != SEAL_KEK_BYTES)
        return hf_fail(diag, HF_E_CORRUPT, "", "the seal gives a key of a wrong size");
    err = seal_file_check(file, out->kek);
    if (err == HF_E_FORBIDDEN)
        return hf_fail(diag, err, "", "the seal does not open: %s", out->kind->wrong);
    return err;
}

static hf_err open_roots(const struct seal_file *file, const struct hf_secret *kek,
                         const char *name, struct hf_diag *diag, struct seal_roots *out)
{
    hf_err err = seal_file_open(file, kek, out);
    if (err == HF_E_CORRUPT)
        return hf_fail(diag, err, "",
                       "%s: does not authenticate, although its key is the right one", name);
    return err;
}

/* ---- the file ---- */

static hf_err seal_path(const char *folder, struct hf_diag *diag, char *out, size_t size)
{
    if (folder == NULL || folder[0] == '\0')
        return hf_fail(diag, HF_E_INVALID, "data", "no data folder given");
    int n = snprintf(out, size, "%s/" SEAL_FILE_NAME, folder);
    if (n <= 0 || (size_t)n >= size)
        return hf_fail(diag, HF_E_INVALID, "data", "%s: path is too long", folder);
    return HF_OK;
}

/* out holds the bytes that *file looks into. */
static hf_err read_seal(const char *path, struct hf_diag *diag, struct hf_buf *out,
                        struct seal_file *file)
{
    hf_err err = hf_file_read(path, out);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, err, "", "%s: not initialised", path);
    if (err == HF_E_TOO_LARGE)
        return hf_fail(diag, HF_E_CORRUPT, "", "%s: is not a seal", path);
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: cannot be read: %s", path, hf_err_text(err));
    return seal_file_parse(hf_buf_view(out), path, diag, file);
}

/* A file that has been opened with its KEK once already, in memory. */
static hf_err build_seal(const struct protection *protection, const struct seal_roots *roots,
                         struct hf_diag *diag, struct hf_buf *out)
{
    hf_err err = seal_file_build(
        hf_str_from_c(protection->kind->name), hf_buf_view(&protection->parameters),
        (hf_bytes){ protection->id, SEAL_ID_BYTES }, protection->kek, roots, out);
    struct seal_file file = { 0 };
    if (err == HF_OK)
        err = seal_file_parse(hf_buf_view(out), BYTES_NAME, diag, &file);
    HF_CLEANUP(seal_roots_done) struct seal_roots opened = { 0 };
    if (err == HF_OK)
        err = open_roots(&file, protection->kek, BYTES_NAME, diag, &opened);
    return err;
}

static hf_err refuse_write(const char *path, hf_err err, struct hf_diag *diag)
{
    return hf_fail(diag, err, "", "%s: cannot be written: %s", path, hf_err_text(err));
}

static hf_err create_seal(const char *path, hf_bytes file, struct hf_diag *diag)
{
    seal_remove_leftovers(path);
    hf_err err = seal_create_file(path, file);
    return err == HF_OK ? HF_OK : refuse_write(path, err, diag);
}

static hf_err replace_seal(const char *path, const struct protection *protection,
                           const struct seal_roots *roots, struct hf_diag *diag)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    hf_buf_init(&file, SEAL_FILE_MAX_BYTES);
    hf_err err = build_seal(protection, roots, diag, &file);
    if (err != HF_OK)
        return err;
    err = hf_file_write(path, hf_buf_view(&file), SEAL_FILE_MODE);
    if (err != HF_OK)
        return refuse_write(path, err, diag);
    seal_remove_leftovers(path); /* they could keep root keys under an old KEK */
    return HF_OK;
}

/* The folder of a seal that is not there yet. */
static hf_err make_place(const char *folder, const char *path, struct hf_diag *diag)
{
    struct stat there;
    if (lstat(path, &there) == 0)
        return hf_fail(diag, HF_E_EXISTS, "", "%s: initialised already", path);
    hf_err err = hf_folder_make(folder, SEAL_FOLDER_MODE);
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: cannot make the folder: %s", folder, hf_err_text(err));
    return HF_OK;
}

/* ---- what a seal says ---- */

static hf_err describe(const struct seal_file *file, struct hf_diag *diag, struct seal_info *out)
{
    const struct seal_kind *kind = find_kind(file->kind, diag);
    if (kind == NULL)
        return HF_E_UNSUPPORTED;
    struct seal_info info = { .generation = file->root[file->count - 1].generation,
                              .roots = file->count,
                              .asks_people = kind->asks_people };
    (void)snprintf(info.kind, sizeof(info.kind), "%s", kind->name);
    hf_err err = kind->describe(file->parameters, diag, &info);
    if (err == HF_OK)
        *out = info;
    return err;
}

hf_err seal_read_info_bytes(hf_bytes file, struct hf_diag *diag, struct seal_info *out)
{
    struct seal_file parsed = { 0 };
    hf_err err = seal_file_parse(file, BYTES_NAME, diag, &parsed);
    return err == HF_OK ? describe(&parsed, diag, out) : err;
}

hf_err seal_read_info(const char *folder, struct hf_diag *diag, struct seal_info *out)
{
    char path[PATH_MAX];
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, SEAL_FILE_MAX_BYTES);
    struct seal_file file = { 0 };
    hf_err err = seal_path(folder, diag, path, sizeof(path));
    if (err == HF_OK)
        err = read_seal(path, diag, &bytes, &file);
    return err == HF_OK ? describe(&file, diag, out) : err;
}

/* ---- opening and making ---- */

static hf_err open_file(const struct seal_file *file, const char *name,
                        const struct seal_config *config, const struct seal_people *people,
                        struct hf_diag *diag, struct seal_roots *out)
{
    HF_CLEANUP(protection_done) struct protection protection = { 0 };
    hf_err err = unprotect(file, config, people, diag, &protection);
    if (err != HF_OK)
        return err;
    return open_roots(file, protection.kek, name, diag, out);
}

hf_err seal_open_bytes(hf_bytes file, const struct seal_config *config,
                       const struct seal_people *people, struct hf_diag *diag,
                       struct seal_roots *out)
{
    struct seal_file parsed = { 0 };
    hf_err err = seal_file_parse(file, BYTES_NAME, diag, &parsed);
    return err == HF_OK ? open_file(&parsed, BYTES_NAME, config, people, diag, out) : err;
}

hf_err seal_open(const struct seal_config *config, const struct seal_people *people,
                 struct hf_diag *diag, struct seal_roots *out)
{
    char path[PATH_MAX];
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, SEAL_FILE_MAX_BYTES);
    struct seal_file file = { 0 };
    hf_err err = seal_path(config->folder, diag, path, sizeof(path));
    if (err == HF_OK)
        err = read_seal(path, diag, &bytes, &file);
    return err == HF_OK ? open_file(&file, path, config, people, diag, out) : err;
}

/* From the disk, so that a key is never used that could not be opened again. */
static hf_err read_back(const char *path, const struct hf_secret *kek, struct hf_diag *diag,
                        struct seal_roots *out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, SEAL_FILE_MAX_BYTES);
    struct seal_file file = { 0 };
    hf_err err = read_seal(path, diag, &bytes, &file);
    return err == HF_OK ? open_roots(&file, kek, path, diag, out) : err;
}

/* Adds a new root key, of the next generation. */
static hf_err add_root(struct seal_roots *roots)
{
    const size_t i = roots->count;
    const uint64_t before = i == 0 ? 0 : roots->root[i - 1].generation;
    if (before == UINT64_MAX)
        return HF_E_CORRUPT;
    hf_err err = crypto_random_secret(SEAL_ROOT_KEY_BYTES, &roots->root[i].key);
    if (err != HF_OK)
        return err;
    roots->root[i].generation = before + 1;
    roots->count = i + 1;
    return HF_OK;
}

static hf_err make_seal(const char *path, const struct protection *protection, struct hf_diag *diag)
{
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = add_root(&roots);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    hf_buf_init(&file, SEAL_FILE_MAX_BYTES);
    err = build_seal(protection, &roots, diag, &file);
    return err == HF_OK ? create_seal(path, hf_buf_view(&file), diag) : err;
}

hf_err seal_init(const struct seal_config *config, const struct seal_people *people,
                 struct hf_diag *diag, struct seal_roots *out)
{
    const struct seal_kind *kind = find_kind(hf_str_from_c(config->kind), diag);
    if (kind == NULL)
        return HF_E_UNSUPPORTED;
    char path[PATH_MAX];
    hf_err err = seal_path(config->folder, diag, path, sizeof(path));
    if (err == HF_OK)
        err = make_place(config->folder, path, diag);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(protection_done) struct protection protection = { 0 };
    err = protect(kind, config, people, diag, &protection);
    if (err == HF_OK)
        err = make_seal(path, &protection, diag);
    return err == HF_OK ? read_back(path, protection.kek, diag, out) : err;
}

/* ---- protecting anew ---- */

static hf_err check_roots(const struct seal_file *file, const struct seal_roots *roots,
                          struct hf_diag *diag)
{
    bool same = file->count == roots->count;
    for (size_t i = 0; i < roots->count && same; i++)
        same = file->root[i].generation == roots->root[i].generation;
    if (!same)
        return hf_fail(diag, HF_E_CONFLICT, "",
                       "the seal holds other generations of the root key than those to protect");
    return HF_OK;
}

/* The seal that is to be replaced; *out_damaged: nothing can be said of it, and what follows mends it. */
static hf_err read_old(const char *path, const struct seal_roots *roots, struct hf_diag *diag,
                       struct hf_buf *bytes, struct seal_file *out, bool *out_damaged)
{
    struct hf_diag damage = { 0 };
    hf_err err = read_seal(path, &damage, bytes, out);
    *out_damaged = err == HF_E_CORRUPT;
    if (*out_damaged)
        return HF_OK;
    if (err != HF_OK)
        return hf_fail(diag, err, damage.field, "%s", damage.text);
    return check_roots(out, roots, diag);
}

hf_err seal_rekey(const struct seal_config *config, const struct seal_people *people,
                  const struct seal_roots *roots, struct hf_diag *diag)
{
    if (roots->count == 0 || roots->count > SEAL_ROOTS_MAX)
        return hf_fail(diag, HF_E_INVALID, "", "no root key to protect");
    const struct seal_kind *kind = find_kind(hf_str_from_c(config->kind), diag);
    if (kind == NULL)
        return HF_E_UNSUPPORTED;
    char path[PATH_MAX];
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, SEAL_FILE_MAX_BYTES);
    struct seal_file old = { 0 };
    bool damaged = false;
    hf_err err = seal_path(config->folder, diag, path, sizeof(path));
    if (err == HF_OK)
        err = read_old(path, roots, diag, &bytes, &old, &damaged);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(protection_done) struct protection protection = { 0 };
    err = protect(kind, config, people, diag, &protection);
    if (err == HF_OK && !damaged && hf_str_equal(old.kind, hf_str_from_c(kind->name)) &&
        seal_file_check(&old, protection.kek) == HF_OK)
        return hf_fail(diag, HF_E_EXISTS, "", "%s: is protected by just this key already", path);
    return err == HF_OK ? replace_seal(path, &protection, roots, diag) : err;
}

/* ---- rotating the root key ---- */

/* The seal opened for a change: its roots, and the KEK to protect others with. */
static hf_err open_for_change(const char *path, const struct seal_config *config,
                              const struct seal_people *people, struct hf_diag *diag,
                              struct protection *protection, struct seal_roots *roots)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, SEAL_FILE_MAX_BYTES);
    struct seal_file file = { 0 };
    hf_err err = read_seal(path, diag, &bytes, &file);
    if (err == HF_OK)
        err = unprotect(&file, config, people, diag, protection);
    return err == HF_OK ? open_roots(&file, protection->kek, path, diag, roots) : err;
}

hf_err seal_rotate_begin(const struct seal_config *config, const struct seal_people *people,
                         struct hf_diag *diag, struct seal_roots *out)
{
    char path[PATH_MAX];
    HF_CLEANUP(protection_done) struct protection protection = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = seal_path(config->folder, diag, path, sizeof(path));
    if (err == HF_OK)
        err = open_for_change(path, config, people, diag, &protection, &roots);
    if (err != HF_OK)
        return err;
    if (roots.count == 1) {
        err = add_root(&roots);
        if (err == HF_OK)
            err = replace_seal(path, &protection, &roots, diag);
    }
    return err == HF_OK ? read_back(path, protection.kek, diag, out) : err;
}

hf_err seal_rotate_end(const struct seal_config *config, const struct seal_people *people,
                       struct hf_diag *diag)
{
    char path[PATH_MAX];
    HF_CLEANUP(protection_done) struct protection protection = { 0 };
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    hf_err err = seal_path(config->folder, diag, path, sizeof(path));
    if (err == HF_OK)
        err = open_for_change(path, config, people, diag, &protection, &roots);
    if (err != HF_OK || roots.count == 1)
        return err;
    const struct seal_roots newest = { .count = 1, .root = { roots.root[roots.count - 1] } };
    return replace_seal(path, &protection, &newest, diag);
}

/* ---- carrying a seal elsewhere ---- */

hf_err seal_export(const char *folder, struct hf_diag *diag, struct hf_buf *out)
{
    char path[PATH_MAX];
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, SEAL_FILE_MAX_BYTES);
    struct seal_file file = { 0 };
    hf_err err = seal_path(folder, diag, path, sizeof(path));
    if (err == HF_OK)
        err = read_seal(path, diag, &bytes, &file);
    if (err != HF_OK)
        return err;
    hf_buf_put_bytes(out, hf_buf_view(&bytes));
    return hf_buf_err(out);
}

hf_err seal_install(const char *folder, hf_bytes file, struct hf_diag *diag)
{
    char path[PATH_MAX];
    struct seal_info ignored = { 0 };
    hf_err err = seal_read_info_bytes(file, diag, &ignored);
    if (err == HF_OK)
        err = seal_path(folder, diag, path, sizeof(path));
    if (err == HF_OK)
        err = make_place(folder, path, diag);
    return err == HF_OK ? create_seal(path, file, diag) : err;
}
