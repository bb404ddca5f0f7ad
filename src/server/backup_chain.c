/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and checking backup files.
 */
#include "server/backup_chain.h"

#include <inttypes.h>

/* ---- root keys ---- */

static hf_err add_roots(struct backup_chain *chain, struct seal_roots *roots)
{
    for (size_t i = 0; i < roots->count; i++) {
        if (chain->root_count == BACKUP_ROOTS_MAX)
            return HF_E_TOO_LARGE;
        hf_err err = archive_key(roots->root[i].key, &chain->keys[chain->root_count]);
        if (err != HF_OK)
            return err;
        chain->roots[chain->root_count++] = hf_take(&roots->root[i].key);
    }
    return HF_OK;
}

static hf_bytes seal_of(const struct backup_file *file)
{
    return archive_reader_header(file->reader)->seal;
}

static bool was_opened(const struct backup_chain *chain, hf_bytes seal)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (chain->files[i].is_open && hf_bytes_equal(seal_of(&chain->files[i]), seal))
            return true;
    }
    return false;
}

hf_err backup_chain_open_seal(struct backup_chain *chain, struct backup_file *file,
                              struct hf_diag *diag)
{
    if (was_opened(chain, seal_of(file)))
        return HF_OK;
    HF_CLEANUP(seal_roots_done) struct seal_roots roots = { 0 };
    struct hf_diag found = { 0 };
    hf_err err = seal_open_bytes(seal_of(file), chain->seal, chain->people, &found, &roots);
    if (err == HF_OK)
        err = add_roots(chain, &roots);
    if (err != HF_OK)
        return hf_fail(diag, err, found.field, "%s: the seal in it cannot be opened: %s",
                       file->path, found.text[0] != '\0' ? found.text : hf_err_text(err));
    file->is_open = true;
    return HF_OK;
}

/* Under any root key that is known. */
static hf_err try_keys(const struct backup_chain *chain, struct archive_reader *reader)
{
    hf_err err = HF_E_CORRUPT;
    for (size_t i = chain->root_count; i > 0 && err == HF_E_CORRUPT; i--)
        err = archive_reader_unlock(reader, chain->keys[i - 1]);
    return err;
}

/* People are asked for the newest seal first; an older one is opened only if its root key was another. */
static hf_err unlock(struct backup_chain *chain, struct backup_file *file, struct hf_diag *diag)
{
    hf_err err = try_keys(chain, file->reader);
    if (err == HF_E_CORRUPT && !was_opened(chain, seal_of(file))) {
        err = backup_chain_open_seal(chain, file, diag);
        if (err == HF_OK)
            err = try_keys(chain, file->reader);
    }
    if (err == HF_E_CORRUPT)
        return hf_fail(diag, err, "", "%s: does not authenticate: it is damaged or was cut off",
                       file->path);
    return err == HF_OK ? HF_OK : hf_fail(diag, err, "", "%s: %s", file->path, hf_err_text(err));
}

/* ---- the chain ---- */

static hf_err check_link(const struct backup_file *before, const struct backup_file *file,
                         struct hf_diag *diag)
{
    const struct archive_header *base = archive_reader_header(before->reader);
    const struct archive_header *header = archive_reader_header(file->reader);
    if (!hf_uuid_equal(&base->installation, &header->installation))
        return hf_fail(diag, HF_E_CORRUPT, "", "%s: is of another server than %s", file->path,
                       before->path);
    if (header->kind != ARCHIVE_INCREMENTAL)
        return hf_fail(diag, HF_E_CORRUPT, "",
                       "%s: is a full backup; only incremental ones follow the first file",
                       file->path);
    if (!hf_uuid_equal(&base->id, &header->base) ||
        !hf_uuid_equal(&base->history, &header->history) ||
        header->from != archive_reader_end(before->reader)->to)
        return hf_fail(diag, HF_E_CORRUPT, "", "%s: does not follow %s", file->path, before->path);
    return HF_OK;
}

void backup_chain_done(struct backup_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        archive_reader_free(chain->files[i].reader);
    for (size_t i = 0; i < BACKUP_ROOTS_MAX; i++) {
        hf_secret_free(chain->roots[i]);
        hf_secret_free(chain->keys[i]);
    }
    *chain = (struct backup_chain){ .count = 0 };
}

hf_err backup_chain_open(struct backup_chain *chain, char *const *paths, size_t count,
                         const struct seal_config *seal, const struct seal_people *people,
                         struct hf_diag *diag)
{
    if (count > BACKUP_CHAIN_MAX)
        return hf_fail(diag, HF_E_TOO_LARGE, "", "more than %d files", BACKUP_CHAIN_MAX);
    chain->seal = seal;
    chain->people = people;
    hf_err err = HF_OK;
    for (size_t i = 0; i < count && err == HF_OK; i++) {
        chain->files[i].path = paths[i];
        err = archive_reader_open(paths[i], diag, &chain->files[i].reader);
        chain->count += err == HF_OK;
    }
    if (err == HF_OK)
        err = backup_chain_open_seal(chain, &chain->files[count - 1], diag);
    for (size_t i = 0; i < count && err == HF_OK; i++)
        err = unlock(chain, &chain->files[i], diag);
    for (size_t i = 1; i < count && err == HF_OK; i++)
        err = check_link(&chain->files[i - 1], &chain->files[i], diag);
    return err;
}

/* ---- checking ---- */

static void put_time(hf_usec time, char out[32])
{
    struct hf_buf buf;
    hf_buf_init_fixed(&buf, out, 31);
    hf_buf_put_plain_time(&buf, time);
    out[buf.n] = '\0';
}

/* The state of a full backup is that at its end; before it there is none. */
static hf_err check_moment(const struct backup_chain *chain, hf_usec moment, struct hf_diag *diag)
{
    char text[32];
    const hf_usec first = archive_reader_end(chain->files[0].reader)->to_time;
    const hf_usec last = archive_reader_end(chain->files[chain->count - 1].reader)->to_time;
    if (moment == INT64_MAX)
        return HF_OK;
    put_time(moment < first ? first : last, text);
    if (moment < first)
        return hf_fail(diag, HF_E_RANGE, "to",
                       "the full backup %s ends at %s; nothing before that can be restored from it",
                       chain->files[0].path, text);
    if (moment > last)
        return hf_fail(diag, HF_E_RANGE, "to", "the files reach only until %s", text);
    return HF_OK;
}

hf_err backup_chain_check(struct backup_chain *chain, hf_usec moment, struct hf_diag *diag)
{
    hf_err err = check_moment(chain, moment, diag);
    for (size_t i = 0; i < chain->count && err == HF_OK; i++) {
        struct backup_file *file = &chain->files[i];
        /* All of a full backup is needed, whatever its entries' times. */
        const bool is_full = archive_reader_header(file->reader)->kind == ARCHIVE_FULL;
        err = archive_check(file->reader, is_full ? INT64_MAX : moment, &file->verdict);
        if (err == HF_E_CORRUPT)
            return hf_fail(diag, err, "", "%s: is damaged", file->path);
        if (err != HF_OK)
            return hf_fail(diag, err, "", "%s: %s", file->path, hf_err_text(err));
    }
    return err;
}
