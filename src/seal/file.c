/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of the file "seal": taken apart, put together, and the root keys in it.
 */
#include "seal/file.h"

#include "base/reader.h"
#include "crypto/crypto.h"
#include "crypto/record.h"

#define SEAL_MAGIC "HFSEAL"
#define SEAL_FORMAT 2
#define RECORD_FORMAT 2
#define RECORD_MAX_BYTES 256
#define NAME_MAX_BYTES (SEAL_FILE_MAX_BYTES + sizeof(uint64_t))

_Static_assert(SEAL_CHECK_BYTES == CRYPTO_SHA256_BYTES, "what crypto_kdf() gives");

/* ---- the layout ---- */

static hf_err refuse_damaged(const char *name, struct hf_diag *diag)
{
    return hf_fail(diag, HF_E_CORRUPT, "", "%s: is damaged", name);
}

static hf_err check_start(struct hf_reader *reader, const char *name, struct hf_diag *diag)
{
    hf_bytes magic = hf_read_bytes(reader, HF_LIT(SEAL_MAGIC).n);
    uint16_t format = hf_read_u16(reader);
    if (reader->err != HF_OK || !hf_bytes_equal(magic, hf_str_bytes(HF_LIT(SEAL_MAGIC))))
        return hf_fail(diag, HF_E_CORRUPT, "", "%s: is not a seal", name);
    if (format != SEAL_FORMAT)
        return hf_fail(diag, HF_E_FORMAT, "", "%s: format %u, this program knows %u", name,
                       (unsigned int)format, (unsigned int)SEAL_FORMAT);
    return HF_OK;
}

/* The bytes without the digest at their end. */
static hf_err check_digest(hf_bytes bytes, const char *name, struct hf_diag *diag, hf_bytes *out)
{
    if (bytes.n < CRYPTO_SHA256_BYTES || bytes.n > SEAL_FILE_MAX_BYTES)
        return refuse_damaged(name, diag);
    hf_bytes content = { bytes.p, bytes.n - CRYPTO_SHA256_BYTES };
    uint8_t digest[CRYPTO_SHA256_BYTES];
    hf_err err = crypto_sha256(&content, 1, digest);
    if (err != HF_OK)
        return err;
    hf_bytes found = { bytes.p + content.n, CRYPTO_SHA256_BYTES };
    if (!hf_bytes_equal(found, (hf_bytes){ digest, sizeof(digest) }))
        return refuse_damaged(name, diag);
    *out = content;
    return HF_OK;
}

static bool read_roots(struct hf_reader *reader, struct seal_file *file)
{
    if (file->count == 0 || file->count > SEAL_ROOTS_MAX)
        return false;
    for (size_t i = 0; i < file->count; i++) {
        file->root[i].generation = hf_read_u64(reader);
        file->root[i].sealed = hf_read_field16(reader, RECORD_MAX_BYTES);
        const bool fits = i == 0 ? file->root[0].generation > 0
                                 : file->root[i].generation == file->root[i - 1].generation + 1;
        if (!fits)
            return false;
    }
    return hf_reader_finish(reader) == HF_OK;
}

hf_err seal_file_parse(hf_bytes bytes, const char *name, struct hf_diag *diag,
                       struct seal_file *out)
{
    struct hf_reader start = hf_reader_of(bytes);
    hf_err err = check_start(&start, name, diag);
    if (err != HF_OK)
        return err;
    hf_bytes content = { 0 };
    err = check_digest(bytes, name, diag, &content);
    if (err != HF_OK)
        return err;
    struct hf_reader reader = hf_reader_of(content);
    struct seal_file file = { 0 };
    (void)hf_read_bytes(&reader, HF_LIT(SEAL_MAGIC).n + sizeof(uint16_t)); /* seen already */
    file.kind = hf_bytes_str(hf_read_field16(&reader, SEAL_KIND_NAME_MAX_BYTES));
    file.parameters = hf_read_field32(&reader, SEAL_PARAMETERS_MAX_BYTES);
    file.id = hf_read_bytes(&reader, SEAL_ID_BYTES);
    file.check = hf_read_bytes(&reader, SEAL_CHECK_BYTES);
    file.count = hf_read_u8(&reader);
    file.prefix = (hf_bytes){ content.p, content.n - hf_reader_left(&reader) };
    if (reader.err != HF_OK || !read_roots(&reader, &file))
        return refuse_damaged(name, diag);
    *out = file;
    return HF_OK;
}

/* ---- the root keys ---- */

static hf_err derive_check(const struct hf_secret *kek, hf_bytes id, struct hf_secret **out)
{
    return crypto_kdf(kek, HF_LIT("holdfast seal v2 check"), id, out);
}

static hf_err derive_key(const struct hf_secret *kek, struct crypto_record_key **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *derived = NULL;
    hf_err err = crypto_kdf(kek, HF_LIT("holdfast seal v2"), (hf_bytes){ 0 }, &derived);
    if (err != HF_OK)
        return err;
    return crypto_record_key_new(derived, out);
}

static hf_err name_root(hf_bytes prefix, uint64_t generation, struct hf_buf *out)
{
    hf_buf_put_bytes(out, prefix);
    hf_buf_put_u64(out, generation);
    return hf_buf_err(out);
}

static hf_err seal_root(struct crypto_record_key *key, hf_bytes prefix, uint64_t generation,
                        const struct hf_secret *root, struct hf_buf *out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf name;
    hf_buf_init(&name, NAME_MAX_BYTES);
    HF_CLEANUP(hf_buf_done) struct hf_buf record;
    hf_buf_init(&record, RECORD_MAX_BYTES);
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    hf_err err = crypto_random(nonce, sizeof(nonce));
    if (err == HF_OK)
        err = name_root(prefix, generation, &name);
    if (err == HF_OK)
        err = crypto_record_seal_secret(key, hf_buf_view(&name), RECORD_FORMAT, nonce, root,
                                        &record);
    if (err != HF_OK)
        return err;
    hf_buf_put_u64(out, generation);
    hf_buf_put_field16(out, hf_buf_view(&record));
    return hf_buf_err(out);
}

static hf_err put_roots(const struct hf_secret *kek, const struct seal_roots *roots,
                        struct hf_buf *out)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    hf_err err = derive_key(kek, &key);
    HF_CLEANUP(hf_buf_done) struct hf_buf prefix;
    hf_buf_init(&prefix, SEAL_FILE_MAX_BYTES);
    hf_buf_put_bytes(&prefix, hf_buf_view(out));
    if (err == HF_OK)
        err = hf_buf_err(&prefix);
    for (size_t i = 0; i < roots->count && err == HF_OK; i++)
        err = seal_root(key, hf_buf_view(&prefix), roots->root[i].generation, roots->root[i].key,
                        out);
    return err;
}

static hf_err put_digest(struct hf_buf *out)
{
    uint8_t digest[CRYPTO_SHA256_BYTES];
    hf_bytes content = hf_buf_view(out);
    hf_err err = crypto_sha256(&content, 1, digest);
    if (err != HF_OK)
        return err;
    hf_buf_put(out, digest, sizeof(digest));
    return hf_buf_err(out);
}

static hf_err put_prefix(hf_str kind, hf_bytes parameters, hf_bytes id, const struct hf_secret *kek,
                         size_t roots, struct hf_buf *out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *check = NULL;
    hf_err err = derive_check(kek, id, &check);
    if (err != HF_OK)
        return err;
    hf_buf_put_c(out, SEAL_MAGIC);
    hf_buf_put_u16(out, SEAL_FORMAT);
    hf_buf_put_field16(out, hf_str_bytes(kind));
    hf_buf_put_field32(out, parameters);
    hf_buf_put_bytes(out, id);
    hf_buf_put(out, hf_secret_edit(check), SEAL_CHECK_BYTES); /* tells nothing of the KEK */
    hf_buf_put_u8(out, (uint8_t)roots);
    return hf_buf_err(out);
}

hf_err seal_file_build(hf_str kind, hf_bytes parameters, hf_bytes id, const struct hf_secret *kek,
                       const struct seal_roots *roots, struct hf_buf *out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf file;
    hf_buf_init(&file, SEAL_FILE_MAX_BYTES);
    hf_err err = put_prefix(kind, parameters, id, kek, roots->count, &file);
    if (err == HF_OK)
        err = put_roots(kek, roots, &file);
    if (err == HF_OK)
        err = put_digest(&file);
    if (err != HF_OK)
        return err;
    hf_buf_put_bytes(out, hf_buf_view(&file));
    return hf_buf_err(out);
}

hf_err seal_file_check(const struct seal_file *file, const struct hf_secret *kek)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *check = NULL;
    hf_err err = derive_check(kek, file->id, &check);
    if (err != HF_OK)
        return err;
    return hf_secret_equal(check, file->check) ? HF_OK : HF_E_FORBIDDEN;
}

static hf_err open_root(struct crypto_record_key *key, const struct seal_file *file, size_t i,
                        struct seal_roots *out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf name;
    hf_buf_init(&name, NAME_MAX_BYTES);
    hf_err err = name_root(file->prefix, file->root[i].generation, &name);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = NULL;
    err = crypto_record_open_secret(key, hf_buf_view(&name), RECORD_FORMAT, file->root[i].sealed,
                                    &root);
    if (err == HF_E_FORMAT || (err == HF_OK && hf_secret_size(root) != SEAL_ROOT_KEY_BYTES))
        err = HF_E_CORRUPT;
    if (err != HF_OK)
        return err;
    out->root[i].generation = file->root[i].generation;
    out->root[i].key = hf_take(&root);
    out->count = i + 1;
    return HF_OK;
}

hf_err seal_file_open(const struct seal_file *file, const struct hf_secret *kek,
                      struct seal_roots *out)
{
    hf_err err = seal_file_check(file, kek);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    err = derive_key(kek, &key);
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    for (size_t i = 0; i < file->count && err == HF_OK; i++)
        err = open_root(key, file, i, &roots);
    if (err != HF_OK)
        return err;
    *out = roots;
    roots = (struct seal_roots){ 0 };
    return HF_OK;
}
