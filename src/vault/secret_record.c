/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a secret's version, without its value, and the rules for what stands in it.
 *
 *   flags (1), created (8), updated (8), not before (8), expires (8), content type (field16),
 *   number of tags (1), tags
 *
 * A part whose flag is not set is left out. A tag is two field16. There is one encoding of each
 * record.
 */
#include "base/reader.h"
#include "vault/internal.h"

enum {
    FLAG_ENABLED = 1U << 0,
    FLAG_NOT_BEFORE = 1U << 1,
    FLAG_EXPIRES = 1U << 2,
    FLAG_CONTENT_TYPE = 1U << 3,
    FLAG_TAGS = 1U << 4,
    FLAGS_ALL = (1U << 5) - 1,
};

#define FIELD16_OVERHEAD_BYTES 2

static bool is_text_within(hf_str text, size_t max_units)
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

hf_err vault_tags_check(const struct vault_tags *tags, struct hf_diag *diag)
{
    if (tags->count > VAULT_TAGS_MAX)
        return hf_fail(diag, HF_E_INVALID, "tags", "at most %d tags are allowed", VAULT_TAGS_MAX);
    for (size_t i = 0; i < tags->count; i++) {
        if (!is_text_within(tags->items[i].name, VAULT_TAG_NAME_MAX_CHARS))
            return hf_fail(diag, HF_E_INVALID, "tags",
                           "a name must be UTF-8 of at most %d characters",
                           VAULT_TAG_NAME_MAX_CHARS);
        if (!is_text_within(tags->items[i].value, VAULT_TAG_VALUE_MAX_CHARS))
            return hf_fail(diag, HF_E_INVALID, "tags",
                           "a value must be UTF-8 of at most %d characters",
                           VAULT_TAG_VALUE_MAX_CHARS);
        if (is_name_repeated(tags, i))
            return hf_fail(diag, HF_E_INVALID, "tags", "a name stands twice");
    }
    return HF_OK;
}

hf_err vault_content_type_check(hf_str content_type, struct hf_diag *diag)
{
    if (!is_text_within(content_type, VAULT_CONTENT_TYPE_MAX_CHARS))
        return hf_fail(diag, HF_E_INVALID, "contentType", "must be UTF-8 of at most %d characters",
                       VAULT_CONTENT_TYPE_MAX_CHARS);
    return HF_OK;
}

hf_err vault_dates_check(hf_usec not_before, hf_usec expires, struct hf_diag *diag)
{
    if (not_before != VAULT_TIME_NONE && expires != VAULT_TIME_NONE && expires <= not_before)
        return hf_fail(diag, HF_E_INVALID, "attributes.exp", "must be after nbf");
    return HF_OK;
}

size_t vault_secret_record_size(const struct vault_secret *secret)
{
    size_t n = 1 + 2 * VAULT_TIME_BYTES;
    n += secret->not_before != VAULT_TIME_NONE ? VAULT_TIME_BYTES : 0;
    n += secret->expires != VAULT_TIME_NONE ? VAULT_TIME_BYTES : 0;
    n += secret->has_content_type ? FIELD16_OVERHEAD_BYTES + secret->content_type.n : 0;
    n += secret->has_tags ? 1 : 0;
    for (size_t i = 0; secret->has_tags && i < secret->tags.count; i++) {
        n += FIELD16_OVERHEAD_BYTES + secret->tags.items[i].name.n;
        n += FIELD16_OVERHEAD_BYTES + secret->tags.items[i].value.n;
    }
    return n;
}

static uint8_t flags_of(const struct vault_secret *secret)
{
    unsigned flags = 0;
    flags |= secret->enabled ? FLAG_ENABLED : 0;
    flags |= secret->not_before != VAULT_TIME_NONE ? FLAG_NOT_BEFORE : 0;
    flags |= secret->expires != VAULT_TIME_NONE ? FLAG_EXPIRES : 0;
    flags |= secret->has_content_type ? FLAG_CONTENT_TYPE : 0;
    flags |= secret->has_tags ? FLAG_TAGS : 0;
    return (uint8_t)flags;
}

void vault_secret_record_encode(const struct vault_secret *secret, struct hf_buf *out)
{
    hf_buf_put_u8(out, flags_of(secret));
    hf_buf_put_i64(out, secret->created);
    hf_buf_put_i64(out, secret->updated);
    if (secret->not_before != VAULT_TIME_NONE)
        hf_buf_put_i64(out, secret->not_before);
    if (secret->expires != VAULT_TIME_NONE)
        hf_buf_put_i64(out, secret->expires);
    if (secret->has_content_type)
        hf_buf_put_field16(out, hf_str_bytes(secret->content_type));
    if (!secret->has_tags)
        return;
    hf_buf_put_u8(out, (uint8_t)secret->tags.count);
    for (size_t i = 0; i < secret->tags.count; i++) {
        hf_buf_put_field16(out, hf_str_bytes(secret->tags.items[i].name));
        hf_buf_put_field16(out, hf_str_bytes(secret->tags.items[i].value));
    }
}

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
        items[i].name = read_text(reader, VAULT_TAG_NAME_MAX_CHARS);
        items[i].value = read_text(reader, VAULT_TAG_VALUE_MAX_CHARS);
    }
    *out = (struct vault_tags){ items, count };
    return HF_OK;
}

hf_err vault_secret_record_decode(hf_bytes plain, struct hf_arena *arena, struct vault_secret *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct vault_secret secret = { .enabled = false };
    const unsigned flags = hf_read_u8(&reader);
    secret.enabled = (flags & FLAG_ENABLED) != 0;
    secret.has_content_type = (flags & FLAG_CONTENT_TYPE) != 0;
    secret.has_tags = (flags & FLAG_TAGS) != 0;
    secret.created = hf_read_i64(&reader);
    secret.updated = hf_read_i64(&reader);
    secret.not_before = read_date(&reader, (flags & FLAG_NOT_BEFORE) != 0);
    secret.expires = read_date(&reader, (flags & FLAG_EXPIRES) != 0);
    if (secret.has_content_type)
        secret.content_type = read_text(&reader, VAULT_CONTENT_TYPE_MAX_CHARS);
    if (secret.has_tags) {
        hf_err err = read_tags(&reader, arena, &secret.tags);
        if (err != HF_OK)
            return err;
    }
    if (hf_reader_finish(&reader) != HF_OK || (flags & ~(unsigned)FLAGS_ALL) != 0 ||
        vault_content_type_check(secret.content_type, NULL) != HF_OK ||
        vault_tags_check(&secret.tags, NULL) != HF_OK ||
        vault_dates_check(secret.not_before, secret.expires, NULL) != HF_OK)
        return HF_E_CORRUPT;
    *out = secret;
    return HF_OK;
}
