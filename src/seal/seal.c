/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of kinds, and the file "seal" in the data folder:
 *
 *   magic "HFSEAL" || format version (u16) || kind's name (field16) || body (field32)          all big-endian
 */
#include "seal/seal.h"

#include "base/file.h"
#include "base/reader.h"
#include "crypto/crypto.h"
#include "seal/kind.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define SEAL_FILE_NAME "seal"
#define SEAL_MAGIC "HFSEAL"
#define SEAL_FORMAT 1
#define SEAL_KIND_NAME_MAX_BYTES 64
#define SEAL_FILE_MAX_BYTES (SEAL_BODY_MAX_BYTES + 256)
#define SEAL_FOLDER_MODE 0700

static const struct seal_kind *const kinds[] = {
    &seal_key_file,
};

/* NULL if there is none of this name. */
static const struct seal_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
        if (hf_str_equal(hf_str_from_c(name), hf_str_from_c(kinds[i]->name)))
            return kinds[i];
    }
    return NULL;
}

static hf_err refuse_kind(const char *name, struct hf_diag *diag)
{
    return hf_fail(diag, HF_E_UNSUPPORTED, "", "there is no seal of kind \"%s\"",
                   name != NULL ? name : "");
}

static hf_err seal_path(const struct seal_config *config, struct hf_diag *diag, char *out,
                        size_t size)
{
    if (config->folder == NULL || config->folder[0] == '\0')
        return hf_fail(diag, HF_E_INVALID, "", "no data folder given");
    int n = snprintf(out, size, "%s/" SEAL_FILE_NAME, config->folder);
    if (n <= 0 || (size_t)n >= size)
        return hf_fail(diag, HF_E_INVALID, "", "%s: path is too long", config->folder);
    return HF_OK;
}

/* ---- the file ---- */

static hf_err write_seal(const char *path, const struct seal_kind *kind, const struct hf_buf *body,
                         struct hf_diag *diag)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    hf_buf_init(&file, SEAL_FILE_MAX_BYTES);
    hf_buf_put_c(&file, SEAL_MAGIC);
    hf_buf_put_u16(&file, SEAL_FORMAT);
    hf_buf_put_field16(&file, hf_str_bytes(hf_str_from_c(kind->name)));
    hf_buf_put_field32(&file, hf_buf_view(body));
    hf_err err = hf_buf_err(&file);
    if (err == HF_OK)
        err = seal_create_file(path, hf_buf_view(&file));
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: cannot be written: %s", path, hf_err_text(err));
    return HF_OK;
}

struct seal_view {
    hf_str kind;
    hf_bytes body;
};

static hf_err parse_seal(hf_bytes file, const char *path, struct hf_diag *diag,
                         struct seal_view *out)
{
    struct hf_reader reader = hf_reader_of(file);
    hf_bytes magic = hf_read_bytes(&reader, HF_LIT(SEAL_MAGIC).n);
    uint16_t format = hf_read_u16(&reader);
    if (reader.err != HF_OK || !hf_bytes_equal(magic, hf_str_bytes(HF_LIT(SEAL_MAGIC))))
        return hf_fail(diag, HF_E_CORRUPT, "", "%s: is not a seal", path);
    if (format != SEAL_FORMAT)
        return hf_fail(diag, HF_E_FORMAT, "", "%s: format %u, this program knows %u", path,
                       (unsigned int)format, (unsigned int)SEAL_FORMAT);
    struct seal_view view = { 0 };
    view.kind = hf_bytes_str(hf_read_field16(&reader, SEAL_KIND_NAME_MAX_BYTES));
    view.body = hf_read_field32(&reader, SEAL_BODY_MAX_BYTES);
    if (hf_reader_finish(&reader) != HF_OK)
        return hf_fail(diag, HF_E_CORRUPT, "", "%s: is damaged", path);
    *out = view;
    return HF_OK;
}

static hf_err read_seal(const char *path, struct hf_diag *diag, struct hf_buf *out)
{
    hf_err err = hf_file_read(path, out);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, err, "", "%s: not initialised", path);
    if (err == HF_E_TOO_LARGE)
        return hf_fail(diag, HF_E_CORRUPT, "", "%s: is not a seal", path);
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: cannot be read: %s", path, hf_err_text(err));
    return HF_OK;
}

/* ---- opening and making ---- */

hf_err seal_open(const struct seal_config *config, struct hf_diag *diag,
                 struct hf_secret **out_root_key)
{
    const struct seal_kind *kind = find_kind(config->kind);
    if (kind == NULL)
        return refuse_kind(config->kind, diag);
    char path[PATH_MAX];
    hf_err err = seal_path(config, diag, path, sizeof(path));
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    hf_buf_init(&file, SEAL_FILE_MAX_BYTES);
    err = read_seal(path, diag, &file);
    if (err != HF_OK)
        return err;
    struct seal_view seal = { 0 };
    err = parse_seal(hf_buf_view(&file), path, diag, &seal);
    if (err != HF_OK)
        return err;
    if (!hf_str_equal(seal.kind, hf_str_from_c(kind->name)))
        return hf_fail(diag, HF_E_UNSUPPORTED, "",
                       "%s: was made by another kind of seal than \"%s\"", path, kind->name);

    HF_CLEANUP(hf_secret_freep) struct hf_secret *root_key = NULL;
    err = kind->unwrap(config, seal.body, diag, &root_key);
    if (err != HF_OK)
        return err;
    if (hf_secret_size(root_key) != SEAL_ROOT_KEY_BYTES)
        return hf_fail(diag, HF_E_CORRUPT, "", "%s: holds a root key of a wrong size", path);
    *out_root_key = hf_take(&root_key);
    return HF_OK;
}

static hf_err make_seal(const struct seal_config *config, const struct seal_kind *kind,
                        const char *path, struct hf_diag *diag)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root_key = NULL;
    hf_err err = crypto_random_secret(SEAL_ROOT_KEY_BYTES, &root_key);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    hf_buf_init(&body, SEAL_BODY_MAX_BYTES);
    err = kind->wrap(config, root_key, &body, diag);
    if (err != HF_OK)
        return err;
    return write_seal(path, kind, &body, diag);
}

hf_err seal_init(const struct seal_config *config, struct hf_diag *diag,
                 struct hf_secret **out_root_key)
{
    const struct seal_kind *kind = find_kind(config->kind);
    if (kind == NULL)
        return refuse_kind(config->kind, diag);
    char path[PATH_MAX];
    hf_err err = seal_path(config, diag, path, sizeof(path));
    if (err != HF_OK)
        return err;
    struct stat there;
    if (lstat(path, &there) == 0)
        return hf_fail(diag, HF_E_EXISTS, "", "%s: initialised already", path);
    err = hf_folder_make(config->folder, SEAL_FOLDER_MODE);
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: cannot make the folder: %s", config->folder,
                       hf_err_text(err));
    err = make_seal(config, kind, path, diag);
    if (err != HF_OK)
        return err;
    /* From the disk, so that a key is never used that could not be opened again. */
    return seal_open(config, diag, out_root_key);
}
