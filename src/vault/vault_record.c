/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a vault: its properties and its key. The whole of it is sealed under the engine's
 * key.
 *
 *   id (16), name (field16), tenant (16), subscription (16), resource group (field16),
 *   location (field16), created (8), retention days (1), purge protection (1), key (32)
 */
#include "base/reader.h"
#include "vault/internal.h"

#include <string.h>

bool vault_name_is_valid(hf_str name)
{
    if (name.n < VAULT_NAME_MIN_CHARS || name.n > VAULT_NAME_MAX_CHARS)
        return false;
    char before = '-';
    for (size_t i = 0; i < name.n; i++) {
        const char c = name.p[i];
        if (!hf_is_alnum(c) && (c != '-' || before == '-'))
            return false;
        before = c;
    }
    return before != '-' && !hf_is_digit(name.p[0]);
}

bool vault_object_name_is_valid(hf_str name)
{
    if (name.n == 0 || name.n > VAULT_OBJECT_NAME_MAX_CHARS)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        if (!hf_is_alnum(name.p[i]) && name.p[i] != '-')
            return false;
    }
    return true;
}

/* Letters, digits and `others`; not empty, not over max. */
static bool is_plain_text(hf_str text, size_t max, hf_str others)
{
    if (text.n == 0 || text.n > max)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (!hf_is_alnum(text.p[i]) && hf_str_find(others, text.p[i]) == others.n)
            return false;
    }
    return true;
}

static hf_str text_of(const char *text, size_t room)
{
    return (hf_str){ text, strnlen(text, room) };
}

hf_err vault_properties_check(const struct vault_properties *properties, struct hf_diag *diag)
{
    if (!vault_name_is_valid(text_of(properties->name, sizeof(properties->name))))
        return hf_fail(diag, HF_E_INVALID, "name",
                       "must have %d to %d letters, digits and single hyphens, and start with a "
                       "letter",
                       VAULT_NAME_MIN_CHARS, VAULT_NAME_MAX_CHARS);
    /* Azure Resource Manager, naming rules for resource groups; ASCII only here. */
    if (!is_plain_text(text_of(properties->resource_group, sizeof(properties->resource_group)),
                       VAULT_RESOURCE_GROUP_MAX_CHARS, HF_LIT("-_.()")))
        return hf_fail(diag, HF_E_INVALID, "resourceGroup",
                       "must have 1 to %d letters, digits, and -_.()",
                       VAULT_RESOURCE_GROUP_MAX_CHARS);
    if (!is_plain_text(text_of(properties->location, sizeof(properties->location)),
                       VAULT_LOCATION_MAX_CHARS, HF_LIT("- ")))
        return hf_fail(diag, HF_E_INVALID, "location",
                       "must have 1 to %d letters, digits, hyphens and spaces",
                       VAULT_LOCATION_MAX_CHARS);
    if (properties->retention_days < VAULT_RETENTION_MIN_DAYS ||
        properties->retention_days > VAULT_RETENTION_MAX_DAYS)
        return hf_fail(diag, HF_E_INVALID, "retentionDays", "must be %d to %d",
                       VAULT_RETENTION_MIN_DAYS, VAULT_RETENTION_MAX_DAYS);
    return HF_OK;
}

static void put_text(struct hf_buf *out, const char *text, size_t room)
{
    hf_buf_put_field16(out, hf_str_bytes(text_of(text, room)));
}

void vault_record_encode(const struct vault_properties *properties, hf_bytes key,
                         struct hf_buf *out)
{
    hf_buf_put(out, properties->id.b, sizeof(properties->id.b));
    put_text(out, properties->name, sizeof(properties->name));
    hf_buf_put(out, properties->tenant.b, sizeof(properties->tenant.b));
    hf_buf_put(out, properties->subscription.b, sizeof(properties->subscription.b));
    put_text(out, properties->resource_group, sizeof(properties->resource_group));
    put_text(out, properties->location, sizeof(properties->location));
    hf_buf_put_i64(out, properties->created);
    hf_buf_put_u8(out, (uint8_t)properties->retention_days);
    hf_buf_put_u8(out, properties->purge_protection ? 1 : 0);
    hf_buf_put_bytes(out, key);
}

/*
 * room holds the longest text and its NUL. A NUL inside is refused: the text would read as a
 * shorter one.
 */
static void read_text(struct hf_reader *reader, char *out, size_t room)
{
    const hf_bytes text = hf_read_field16(reader, room - 1);
    if (reader->err != HF_OK)
        return;
    if (hf_str_find(hf_bytes_str(text), '\0') != text.n) {
        reader->err = HF_E_INVALID;
        return;
    }
    if (text.n > 0)
        memcpy(out, text.p, text.n);
    out[text.n] = '\0';
}

hf_err vault_record_decode(hf_bytes plain, struct vault_properties *out, hf_bytes *out_key)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct vault_properties properties = { .retention_days = 0 };
    hf_read_into(&reader, properties.id.b, sizeof(properties.id.b));
    read_text(&reader, properties.name, sizeof(properties.name));
    hf_read_into(&reader, properties.tenant.b, sizeof(properties.tenant.b));
    hf_read_into(&reader, properties.subscription.b, sizeof(properties.subscription.b));
    read_text(&reader, properties.resource_group, sizeof(properties.resource_group));
    read_text(&reader, properties.location, sizeof(properties.location));
    properties.created = hf_read_i64(&reader);
    properties.retention_days = hf_read_u8(&reader);
    const uint8_t purge_protection = hf_read_u8(&reader);
    properties.purge_protection = purge_protection == 1;
    const hf_bytes key = hf_read_bytes(&reader, VAULT_KEY_BYTES);
    if (hf_reader_finish(&reader) != HF_OK || purge_protection > 1 ||
        vault_properties_check(&properties, NULL) != HF_OK)
        return HF_E_CORRUPT;
    *out = properties;
    *out_key = key;
    return HF_OK;
}
