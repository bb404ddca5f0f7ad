/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a version, without its value, and the rules for what stands in it.
 *
 *   flags (1), created (8), updated (8), not before (8), expires (8), number of tags (1), tags,
 *   particulars (field16)
 *
 * A date or the tags whose flag is not set are left out. A tag is two field16. There is one encoding
 * of each record.
 */
#include "base/reader.h"
#include "vault/internal.h"

enum {
    FLAG_ENABLED = 1U << 0,
    FLAG_NOT_BEFORE = 1U << 1,
    FLAG_EXPIRES = 1U << 2,
    FLAG_TAGS = 1U << 3,
    FLAGS_ALL = (1U << 4) - 1,
};

#define FIELD16_OVERHEAD_BYTES 2

_Static_assert(VAULT_PARTICULARS_MAX_BYTES <= UINT16_MAX, "a field16");

/* ---- rules ---- */

bool vault_text_fits(hf_str text, size_t max_units)
{
    return text.n <= VAULT_TEXT_BYTES(max_units) && hf_utf8_valid(text) &&
           hf_utf8_utf16_units(text) <= max_units;
}

static bool is_name_repeated(const struct vault_tags *tags, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (hf_str_equal(tags->items[i].name, tags->items[index].name))
            return true;
    }
    return false;
}

hf_err vault_tags_check(const struct vault_tags *tags, size_t max_chars, struct hf_diag *diag)
{
    if (tags->count > VAULT_TAGS_MAX)
        return hf_fail(diag, HF_E_INVALID, "tags", "at most %d tags are allowed", VAULT_TAGS_MAX);
    for (size_t i = 0; i < tags->count; i++) {
        if (!vault_text_fits(tags->items[i].name, max_chars))
            return hf_fail(diag, HF_E_INVALID, "tags",
                           "a name must be UTF-8 of at most %zu characters", max_chars);
        if (!vault_text_fits(tags->items[i].value, max_chars))
            return hf_fail(diag, HF_E_INVALID, "tags",
                           "a value must be UTF-8 of at most %zu characters", max_chars);
        if (is_name_repeated(tags, i))
            return hf_fail(diag, HF_E_INVALID, "tags", "a name stands twice");
    }
    return HF_OK;
}

hf_err vault_dates_check(hf_usec not_before, hf_usec expires, struct hf_diag *diag)
{
    if (not_before != VAULT_TIME_NONE && expires != VAULT_TIME_NONE && expires <= not_before)
        return hf_fail(diag, HF_E_INVALID, "attributes.exp", "must be after nbf");
    return HF_OK;
}

hf_err vault_change_check(const struct vault_kind *kind, const struct vault_change *change,
                          struct hf_diag *diag)
{
    if (change->has_tags) {
        hf_err err = vault_tags_check(&change->tags, kind->tag_max_chars, diag);
        if (err != HF_OK)
            return err;
    }
    if (change->has_not_before && change->has_expires)
        return vault_dates_check(change->not_before, change->expires, diag);
    return HF_OK;
}

/* ---- out ---- */

size_t vault_version_size(const struct vault_version *version)
{
    size_t n = 1 + 2 * VAULT_TIME_BYTES;
    n += version->not_before != VAULT_TIME_NONE ? VAULT_TIME_BYTES : 0;
    n += version->expires != VAULT_TIME_NONE ? VAULT_TIME_BYTES : 0;
    n += version->has_tags ? 1 : 0;
    for (size_t i = 0; version->has_tags && i < version->tags.count; i++) {
        n += FIELD16_OVERHEAD_BYTES + version->tags.items[i].name.n;
        n += FIELD16_OVERHEAD_BYTES + version->tags.items[i].value.n;
    }
    return n + FIELD16_OVERHEAD_BYTES + version->particulars.n;
}

static uint8_t flags_of(const struct vault_version *version)
{
    unsigned flags = 0;
    flags |= version->enabled ? FLAG_ENABLED : 0;
    flags |= version->not_before != VAULT_TIME_NONE ? FLAG_NOT_BEFORE : 0;
    flags |= version->expires != VAULT_TIME_NONE ? FLAG_EXPIRES : 0;
    flags |= version->has_tags ? FLAG_TAGS : 0;
    return (uint8_t)flags;
}

static void put_tags(const struct vault_tags *tags, struct hf_buf *out)
{
    hf_buf_put_u8(out, (uint8_t)tags->count);
    for (size_t i = 0; i < tags->count; i++) {
        hf_buf_put_field16(out, hf_str_bytes(tags->items[i].name));
        hf_buf_put_field16(out, hf_str_bytes(tags->items[i].value));
    }
}

void vault_version_encode(const struct vault_version *version, struct hf_buf *out)
{
    hf_buf_put_u8(out, flags_of(version));
    hf_buf_put_i64(out, version->created);
    hf_buf_put_i64(out, version->updated);
    if (version->not_before != VAULT_TIME_NONE)
        hf_buf_put_i64(out, version->not_before);
    if (version->expires != VAULT_TIME_NONE)
        hf_buf_put_i64(out, version->expires);
    if (version->has_tags)
        put_tags(&version->tags, out);
    hf_buf_put_field16(out, version->particulars);
}

hf_err vault_version_encode_arena(struct vault_version *version, struct hf_arena *arena,
                                  hf_bytes *out)
{
    if (version->particulars.n > VAULT_PARTICULARS_MAX_BYTES)
        return HF_E_TOO_LARGE;
    struct hf_buf plain;
    hf_err err = vault_arena_buf(arena, vault_version_size(version), &plain);
    if (err != HF_OK)
        return err;
    vault_version_encode(version, &plain);
    err = hf_buf_err(&plain);
    if (err != HF_OK)
        return err;
    struct vault_version own;
    err = vault_version_decode(hf_buf_view(&plain), arena, &own);
    if (err != HF_OK)
        return err;
    version->tags = own.tags;
    version->particulars = own.particulars;
    *out = hf_buf_view(&plain);
    return HF_OK;
}

/* ---- in ---- */

/* A date whose flag is set is one: the value for "none" has no second encoding. */
static hf_usec read_date(struct hf_reader *reader, bool is_there)
{
    if (!is_there)
        return VAULT_TIME_NONE;
    const hf_usec t = hf_read_i64(reader);
    if (t == VAULT_TIME_NONE && reader->err == HF_OK)
        reader->err = HF_E_INVALID;
    return t;
}

static hf_str read_text(struct hf_reader *reader, size_t max_units)
{
    return hf_bytes_str(hf_read_field16(reader, VAULT_TEXT_BYTES(max_units)));
}

static hf_err read_tags(struct hf_reader *reader, struct hf_arena *arena, struct vault_tags *out)
{
    const size_t count = hf_read_u8(reader);
    if (reader->err != HF_OK || count > VAULT_TAGS_MAX)
        return HF_E_CORRUPT;
    if (count == 0)
        return HF_OK;
    struct vault_tag *items = hf_arena_alloc_array(arena, count, sizeof(*items));
    if (items == NULL)
        return HF_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        items[i].name = read_text(reader, VAULT_TAG_MAX_CHARS);
        items[i].value = read_text(reader, VAULT_TAG_MAX_CHARS);
    }
    *out = (struct vault_tags){ items, count };
    return HF_OK;
}

hf_err vault_version_decode(hf_bytes plain, struct hf_arena *arena, struct vault_version *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct vault_version version = { .enabled = false };
    const unsigned flags = hf_read_u8(&reader);
    version.enabled = (flags & FLAG_ENABLED) != 0;
    version.has_tags = (flags & FLAG_TAGS) != 0;
    version.created = hf_read_i64(&reader);
    version.updated = hf_read_i64(&reader);
    version.not_before = read_date(&reader, (flags & FLAG_NOT_BEFORE) != 0);
    version.expires = read_date(&reader, (flags & FLAG_EXPIRES) != 0);
    version.deleted_at = VAULT_TIME_NONE;
    version.scheduled_purge = VAULT_TIME_NONE;
    if (version.has_tags) {
        hf_err err = read_tags(&reader, arena, &version.tags);
        if (err != HF_OK)
            return err;
    }
    version.particulars = hf_read_field16(&reader, VAULT_PARTICULARS_MAX_BYTES);
    if (hf_reader_finish(&reader) != HF_OK || (flags & ~(unsigned)FLAGS_ALL) != 0 ||
        vault_tags_check(&version.tags, VAULT_TAG_MAX_CHARS, NULL) != HF_OK ||
        vault_dates_check(version.not_before, version.expires, NULL) != HF_OK)
        return HF_E_CORRUPT;
    *out = version;
    return HF_OK;
}
