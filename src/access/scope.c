/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes of role assignments: ARM ids down to one object of a vault. Segments are checked strictly, so that a typing error
 * is refused instead of granting nothing, or something else.
 */
#include "access/internal.h"

#include <string.h>

/* Azure resource naming rules; Key Vault REST for the last two. */
#define RESOURCE_GROUP_MAX_CHARS 90
#define VAULT_MIN_CHARS 3
#define VAULT_MAX_CHARS 24
#define OBJECT_MAX_CHARS 127

static bool is_guid(hf_str text)
{
    struct hf_uuid uuid;
    return hf_uuid_parse(text, &uuid) == HF_OK;
}

static bool is_resource_group(hf_str text)
{
    if (text.n == 0 || text.n > RESOURCE_GROUP_MAX_CHARS || text.p[text.n - 1] == '.')
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!hf_is_alnum(c) && (c == '\0' || strchr("_-.()", c) == NULL))
            return false;
    }
    return true;
}

static bool is_name(hf_str text, size_t min, size_t max)
{
    if (text.n < min || text.n > max)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (!hf_is_alnum(text.p[i]) && text.p[i] != '-')
            return false;
    }
    return true;
}

static bool is_vault(hf_str text)
{
    return is_name(text, VAULT_MIN_CHARS, VAULT_MAX_CHARS);
}

static bool is_object(hf_str text)
{
    return is_name(text, 1, OBJECT_MAX_CHARS);
}

static bool is_collection(hf_str text)
{
    return hf_str_equal_nocase(text, HF_LIT("secrets")) ||
           hf_str_equal_nocase(text, HF_LIT("keys")) ||
           hf_str_equal_nocase(text, HF_LIT("certificates"));
}

/* One segment: a keyword, or a value that passes a check. A scope may end behind it only where `can_end` is true. */
struct segment {
    const char *keyword;
    bool (*check)(hf_str text);
    bool can_end;
};

static const struct segment segments[] = {
    { "subscriptions", NULL, false },  { NULL, is_guid, true },
    { "resourceGroups", NULL, false }, { NULL, is_resource_group, true },
    { "providers", NULL, false },      { "Microsoft.KeyVault", NULL, false },
    { "vaults", NULL, false },         { NULL, is_vault, true },
    { NULL, is_collection, false },    { NULL, is_object, true },
};

static bool segment_matches(const struct segment *segment, hf_str text)
{
    if (segment->keyword != NULL)
        return hf_str_equal_nocase(text, hf_str_from_c(segment->keyword));
    return segment->check(text);
}

hf_err access_scope_parse(hf_str text, hf_str *out)
{
    if (text.n == 0 || text.n > ACCESS_SCOPE_MAX_BYTES || text.p[0] != '/')
        return HF_E_INVALID;
    if (text.n == 1) {
        *out = text;
        return HF_OK;
    }
    hf_str scope = text.p[text.n - 1] == '/' ? hf_str_sub(text, 0, text.n - 1) : text;
    hf_str rest = hf_str_sub(scope, 1, SIZE_MAX);
    hf_str part = { NULL, 0 };
    bool can_end = false;
    size_t count = 0;
    while (hf_str_next(&rest, '/', &part)) {
        if (count == HF_ARRAY_LEN(segments) || !segment_matches(&segments[count], part))
            return HF_E_INVALID;
        can_end = segments[count].can_end;
        count++;
    }
    if (!can_end)
        return HF_E_INVALID;
    *out = scope;
    return HF_OK;
}

bool access_scope_covers(hf_str lower_scope, hf_str resource)
{
    if (lower_scope.n == 1)
        return true;
    if (lower_scope.n == 0 || resource.n < lower_scope.n)
        return false;
    if (resource.n > lower_scope.n && resource.p[lower_scope.n] != '/')
        return false;
    for (size_t i = 0; i < lower_scope.n; i++) {
        if (hf_lower(resource.p[i]) != lower_scope.p[i])
            return false;
    }
    return true;
}
