/* SPDX-License-Identifier: Apache-2.0 */
/* Release policies: read into a tree in the arena, written from it, asked. */
#include "access/release_policy.h"

enum condition_kind {
    CONDITION_EQUALS,
    CONDITION_ALL_OF,
    CONDITION_ANY_OF,
};

struct condition {
    enum condition_kind kind;
    hf_str claim;           /* EQUALS */
    enum hf_json_type type; /* EQUALS: STRING, INT or BOOL */
    hf_str text;
    int64_t number;
    bool truth;
    struct condition *items; /* ALL_OF, ANY_OF: at least one */
    size_t count;
};

struct authority {
    hf_str url;
    struct condition condition; /* ALL_OF or ANY_OF */
};

struct access_release_policy {
    struct authority *authorities;
    size_t count;
};

struct parser {
    struct hf_arena *arena;
    struct hf_diag *diag;
};

#define FIELD "release_policy.data"
#define REFUSE(parser, ...) hf_fail((parser)->diag, HF_E_INVALID, FIELD, __VA_ARGS__)

HF_MUST static hf_err copy_text(const struct parser *parser, hf_str text, hf_str *out)
{
    const hf_str copy = hf_arena_dup_str(parser->arena, text);
    if (copy.p == NULL)
        return HF_E_NOMEM;
    *out = copy;
    return HF_OK;
}

static bool is_list(const struct hf_json *node)
{
    return node != NULL && hf_json_type(node) == HF_JSON_ARRAY && hf_json_size(node) > 0;
}

static bool is_claim(hf_str claim)
{
    if (claim.n == 0 || claim.n > ACCESS_RELEASE_CLAIM_MAX_BYTES)
        return false;
    hf_str rest = claim;
    hf_str part = { NULL, 0 };
    while (hf_str_next(&rest, '.', &part)) {
        if (part.n == 0)
            return false;
    }
    return true;
}

HF_MUST static hf_err parse_equals(const struct parser *parser, const struct hf_json *node,
                                   struct condition *out)
{
    const struct hf_json *value = hf_json_member(node, "equals");
    const hf_str claim = hf_json_str(hf_json_member(node, "claim"));
    if (value == NULL || hf_json_size(node) != 2)
        return REFUSE(parser, "a condition on a claim has exactly the members claim and equals");
    if (!is_claim(claim))
        return REFUSE(parser, "a claim is names with dots between, at most %d bytes",
                      ACCESS_RELEASE_CLAIM_MAX_BYTES);
    out->kind = CONDITION_EQUALS;
    out->type = hf_json_type(value);
    if (out->type != HF_JSON_STRING && out->type != HF_JSON_INT && out->type != HF_JSON_BOOL)
        return REFUSE(parser, "equals takes a text, an integer, true or false");
    out->number = hf_json_int(value);
    out->truth = hf_json_bool(value);
    hf_err err = copy_text(parser, claim, &out->claim);
    if (err == HF_OK && out->type == HF_JSON_STRING)
        err = copy_text(parser, hf_json_str(value), &out->text);
    return err;
}

HF_MUST static hf_err parse_condition(const struct parser *parser, const struct hf_json *node,
                                      int depth, struct condition *out);

/* node's member allOf or anyOf, of which it must have exactly one. */
HF_MUST static hf_err parse_conditions(const struct parser *parser, const struct hf_json *node,
                                       int depth, struct condition *out)
{
    const struct hf_json *all = hf_json_member(node, "allOf");
    const struct hf_json *any = hf_json_member(node, "anyOf");
    const struct hf_json *list = all != NULL ? all : any;
    if ((all == NULL) == (any == NULL) || !is_list(list))
        return REFUSE(parser, "exactly one of allOf and anyOf is needed, a list that is not empty");
    if (depth > ACCESS_RELEASE_DEPTH_MAX)
        return REFUSE(parser, "conditions are nested deeper than %d", ACCESS_RELEASE_DEPTH_MAX);
    out->kind = all != NULL ? CONDITION_ALL_OF : CONDITION_ANY_OF;
    out->count = hf_json_size(list);
    out->items = hf_arena_alloc_array(parser->arena, out->count, sizeof(*out->items));
    if (out->items == NULL)
        return HF_E_NOMEM;
    hf_err err = HF_OK;
    for (size_t i = 0; err == HF_OK && i < out->count; i++)
        err = parse_condition(parser, hf_json_at(list, i), depth + 1, &out->items[i]);
    return err;
}

/* Recursion ends at ACCESS_RELEASE_DEPTH_MAX. */
HF_MUST static hf_err parse_condition(const struct parser *parser, const struct hf_json *node,
                                      int depth, struct condition *out)
{
    if (hf_json_type(node) != HF_JSON_OBJECT)
        return REFUSE(parser, "a condition is an object");
    if (hf_json_member(node, "claim") != NULL)
        return parse_equals(parser, node, out);
    if (hf_json_size(node) != 1)
        return REFUSE(parser, "a condition has the members claim and equals, or allOf, or anyOf");
    return parse_conditions(parser, node, depth, out);
}

/* https, a host, and nothing that an issuer's URL does not have. */
static bool is_authority(hf_str url)
{
    if (url.n > ACCESS_RELEASE_AUTHORITY_MAX_BYTES || !hf_str_starts(url, HF_LIT("https://")))
        return false;
    const hf_str rest = hf_str_sub(url, HF_LIT("https://").n, url.n);
    if (rest.n == 0 || !hf_is_alnum(rest.p[0]))
        return false;
    for (size_t i = 0; i < rest.n; i++) {
        if (!hf_is_alnum(rest.p[i]) && hf_str_find(HF_LIT("-._~:/%"), rest.p[i]) == 7)
            return false;
    }
    return true;
}

HF_MUST static hf_err parse_authority(const struct parser *parser, const struct hf_json *node,
                                      struct authority *out)
{
    const hf_str url = hf_json_str(hf_json_member(node, "authority"));
    if (hf_json_type(node) != HF_JSON_OBJECT || hf_json_size(node) != 2 || !is_authority(url))
        return REFUSE(parser, "an authority has an https URL as authority, and allOf or anyOf");
    const hf_err err = copy_text(parser, url, &out->url);
    return err == HF_OK ? parse_conditions(parser, node, 1, &out->condition) : err;
}

HF_MUST static hf_err parse_policy(const struct parser *parser, const struct hf_json *root,
                                   struct access_release_policy *policy)
{
    const hf_str version = hf_json_str(hf_json_member(root, "version"));
    const struct hf_json *list = hf_json_member(root, "anyOf");
    if (hf_json_type(root) != HF_JSON_OBJECT || hf_json_size(root) != 2 || !is_list(list))
        return REFUSE(parser, "a policy has exactly the members version and anyOf, a list");
    if (!hf_str_equal(version, HF_LIT("1.0.0")) && !hf_str_equal(version, HF_LIT("1.0")))
        return REFUSE(parser, "the version must be 1.0.0");
    policy->count = hf_json_size(list);
    policy->authorities = hf_arena_alloc_array(parser->arena, policy->count,
                                               sizeof(*policy->authorities));
    if (policy->authorities == NULL)
        return HF_E_NOMEM;
    hf_err err = HF_OK;
    for (size_t i = 0; err == HF_OK && i < policy->count; i++)
        err = parse_authority(parser, hf_json_at(list, i), &policy->authorities[i]);
    return err;
}

hf_err access_release_policy_parse(hf_bytes text, struct hf_arena *arena, struct hf_diag *diag,
                                   const struct access_release_policy **out)
{
    if (text.n > ACCESS_RELEASE_POLICY_MAX_BYTES)
        return hf_fail(diag, HF_E_TOO_LARGE, FIELD, "must be at most %d bytes",
                       ACCESS_RELEASE_POLICY_MAX_BYTES);
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    hf_err err = hf_json_parse(text, diag, &root);
    if (err != HF_OK)
        return err;
    struct access_release_policy *policy = hf_arena_new_of(arena, struct access_release_policy);
    if (policy == NULL)
        return HF_E_NOMEM;
    const struct parser parser = { arena, diag };
    err = parse_policy(&parser, root, policy);
    if (err == HF_OK)
        *out = policy;
    return err;
}

/* ---- out ---- */

static void write_conditions(struct hf_json_writer *w, const struct condition *condition);

static void write_condition(struct hf_json_writer *w, const struct condition *condition)
{
    hf_jw_begin_object(w);
    if (condition->kind != CONDITION_EQUALS) {
        write_conditions(w, condition);
        hf_jw_end_object(w);
        return;
    }
    hf_jw_member_str(w, "claim", condition->claim);
    if (condition->type == HF_JSON_STRING)
        hf_jw_member_str(w, "equals", condition->text);
    else if (condition->type == HF_JSON_INT)
        hf_jw_member_int(w, "equals", condition->number);
    else
        hf_jw_member_bool(w, "equals", condition->truth);
    hf_jw_end_object(w);
}

static void write_conditions(struct hf_json_writer *w, const struct condition *condition)
{
    hf_jw_key(w, condition->kind == CONDITION_ALL_OF ? "allOf" : "anyOf");
    hf_jw_begin_array(w);
    for (size_t i = 0; i < condition->count; i++)
        write_condition(w, &condition->items[i]);
    hf_jw_end_array(w);
}

void access_release_policy_write(const struct access_release_policy *policy, struct hf_buf *out)
{
    struct hf_json_writer w = hf_json_writer_on(out);
    hf_jw_begin_object(&w);
    hf_jw_member_c(&w, "version", "1.0.0");
    hf_jw_key(&w, "anyOf");
    hf_jw_begin_array(&w);
    for (size_t i = 0; i < policy->count; i++) {
        hf_jw_begin_object(&w);
        hf_jw_member_str(&w, "authority", policy->authorities[i].url);
        write_conditions(&w, &policy->authorities[i].condition);
        hf_jw_end_object(&w);
    }
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
}

/* ---- asking ---- */

/* NULL if a part is missing, or something on the way is no object. */
static const struct hf_json *find_claim(const struct hf_json *claims, hf_str path)
{
    const struct hf_json *node = claims;
    hf_str part = { NULL, 0 };
    while (node != NULL && hf_str_next(&path, '.', &part)) {
        char name[ACCESS_RELEASE_CLAIM_MAX_BYTES + 1];
        memcpy(name, part.p, part.n);
        name[part.n] = '\0';
        node = hf_json_member(node, name);
    }
    return node;
}

static bool equals(const struct condition *condition, const struct hf_json *claim)
{
    const enum hf_json_type type = hf_json_type(claim);
    if (condition->type == HF_JSON_STRING && type == HF_JSON_BOOL)
        return hf_str_equal(condition->text,
                            hf_json_bool(claim) ? HF_LIT("true") : HF_LIT("false"));
    if (claim == NULL || type != condition->type)
        return false;
    if (type == HF_JSON_STRING)
        return hf_str_equal(hf_json_str(claim), condition->text);
    return type == HF_JSON_INT ? hf_json_int(claim) == condition->number
                               : hf_json_bool(claim) == condition->truth;
}

/* As deep as the parser allows. */
static bool is_met(const struct condition *condition, const struct hf_json *claims)
{
    if (condition->kind == CONDITION_EQUALS)
        return equals(condition, find_claim(claims, condition->claim));
    const bool wants_all = condition->kind == CONDITION_ALL_OF;
    for (size_t i = 0; i < condition->count; i++) {
        if (is_met(&condition->items[i], claims) != wants_all)
            return !wants_all;
    }
    return wants_all;
}

/* An empty path is the path "/" (RFC 3986 §6.2.3). */
static hf_str without_bare_slash(hf_str url)
{
    const size_t scheme = HF_LIT("https://").n;
    const hf_str rest = hf_str_sub(url, scheme, url.n);
    return rest.n > 0 && hf_str_find(rest, '/') == rest.n - 1 ? hf_str_sub(url, 0, url.n - 1) : url;
}

bool access_release_policy_allows(const struct access_release_policy *policy, hf_str authority,
                                  const struct hf_json *claims)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct authority *row = &policy->authorities[i];
        if (hf_str_equal(without_bare_slash(row->url), without_bare_slash(authority)) &&
            is_met(&row->condition, claims))
            return true;
    }
    return false;
}
