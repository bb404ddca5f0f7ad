/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From method and path to the row of an operation. Literal segments compare without case; a trailing slash and an empty version
 * segment are legal ("GET /secrets/n/" is the newest version); a doubled slash in front is tolerated, elsewhere it means an
 * empty segment.
 */
#include "api/api.h"

#include "base/encode.h"

#define SEGMENTS_MAX 16

struct segments {
    hf_str items[SEGMENTS_MAX];
    size_t count;
};

/* False if there are more segments than any route has. */
static bool split_path(hf_str path, struct segments *out)
{
    while (path.n > 0 && path.p[0] == '/')
        path = hf_str_sub(path, 1, path.n);
    out->count = 0;
    hf_str part;
    while (hf_str_next(&path, '/', &part)) {
        if (out->count == SEGMENTS_MAX)
            return false;
        out->items[out->count++] = part;
    }
    return true;
}

static bool is_parameter(hf_str pattern)
{
    return pattern.n > 0 && pattern.p[0] == '{';
}

static bool is_optional(hf_str pattern)
{
    return is_parameter(pattern) && pattern.p[pattern.n - 2] == '?';
}

static size_t count_parts(hf_str path)
{
    size_t count = 1;
    for (size_t i = 0; i < path.n; i++)
        count += path.p[i] == '/' ? 1 : 0;
    return count;
}

/*
 * The parameters' raw text goes to params; count to *out_count. An optional parameter may be empty,
 * missing at the end, or left out in the middle ("/keys/n/sign").
 */
static bool match_path(const char *path_template, const struct segments *segments, hf_str *params,
                       size_t *out_count)
{
    hf_str rest = hf_str_sub(hf_str_from_c(path_template), 1, SIZE_MAX);
    hf_str pattern;
    size_t at = 0;
    bool is_short = count_parts(rest) == segments->count + 1;
    *out_count = 0;
    while (hf_str_next(&rest, '/', &pattern)) {
        if (is_short && rest.p != NULL && is_optional(pattern)) {
            params[(*out_count)++] = (hf_str){ NULL, 0 };
            continue;
        }
        hf_str segment = at < segments->count ? segments->items[at] : (hf_str){ NULL, 0 };
        at++;
        if (!is_parameter(pattern)) {
            if (!hf_str_equal_nocase(pattern, segment))
                return false;
            continue;
        }
        if (segment.n == 0 && !is_optional(pattern))
            return false;
        params[(*out_count)++] = segment;
    }
    bool trailing_slash = at + 1 == segments->count && segments->items[at].n == 0;
    return at >= segments->count || trailing_slash;
}

static hf_err decode_params(struct api_call *call)
{
    for (size_t i = 0; i < call->param_count; i++) {
        hf_str raw = call->params[i];
        if (hf_str_find(raw, '%') == raw.n)
            continue;
        struct hf_buf decoded;
        uint8_t *memory = hf_arena_alloc(call->arena, raw.n);
        if (memory == NULL)
            return HF_E_NOMEM;
        hf_buf_init_fixed(&decoded, memory, raw.n);
        hf_err err = hf_percent_decode(raw, false, &decoded);
        if (err != HF_OK)
            return hf_fail(&call->diag, HF_E_INVALID, "path", "bad percent-encoding");
        call->params[i] = hf_buf_str(&decoded);
    }
    return HF_OK;
}

/* The first row with this path and, unless any will do, the call's method. */
static const struct api_op *find_op(struct api_call *call, const struct segments *segments,
                                    bool any_method)
{
    for (size_t i = 0; i < call->door->op_count; i++) {
        const struct api_op *op = &call->door->ops[i];
        if ((any_method || op->method == call->method) &&
            match_path(op->path, segments, call->params, &call->param_count))
            return op;
    }
    return NULL;
}

hf_err api_route(struct api_call *call)
{
    struct segments segments;
    if (!split_path(call->request->path, &segments))
        return HF_E_NOT_FOUND;
    call->op = find_op(call, &segments, false);
    if (call->op != NULL)
        return decode_params(call);
    const bool path_known = find_op(call, &segments, true) != NULL;
    call->param_count = 0;
    return path_known ? HF_E_UNSUPPORTED : HF_E_NOT_FOUND;
}

size_t api_route_body_max(const struct api_door *door, enum http_method method, hf_str path)
{
    struct segments segments;
    hf_str params[API_PARAMS_MAX];
    size_t count;
    if (!split_path(path, &segments))
        return API_BODY_MAX_BYTES;
    for (size_t i = 0; i < door->op_count; i++) {
        const struct api_op *op = &door->ops[i];
        if (op->body_max > API_BODY_MAX_BYTES && op->method == method &&
            match_path(op->path, &segments, params, &count))
            return op->body_max;
    }
    return API_BODY_MAX_BYTES;
}

/* The view itself when there is nothing to decode. */
static hf_err decode_query(struct api_call *call, hf_str raw, hf_str *out)
{
    if (hf_str_find(raw, '%') == raw.n && hf_str_find(raw, '+') == raw.n) {
        *out = raw;
        return HF_OK;
    }
    uint8_t *memory = hf_arena_alloc(call->arena, raw.n);
    if (memory == NULL)
        return HF_E_NOMEM;
    struct hf_buf decoded;
    hf_buf_init_fixed(&decoded, memory, raw.n);
    hf_err err = hf_percent_decode(raw, true, &decoded);
    if (err != HF_OK)
        return hf_fail(&call->diag, HF_E_INVALID, "query", "bad percent-encoding");
    *out = hf_buf_str(&decoded);
    return HF_OK;
}

hf_err api_query(struct api_call *call, hf_str name, hf_str *out)
{
    hf_str rest = call->request->query;
    hf_str pair = { NULL, 0 };
    while (hf_str_next(&rest, '&', &pair)) {
        size_t equals = hf_str_find(pair, '=');
        hf_str found = { NULL, 0 };
        hf_err err = decode_query(call, hf_str_sub(pair, 0, equals), &found);
        if (err != HF_OK)
            return err;
        if (hf_str_equal_nocase(found, name))
            return decode_query(call, hf_str_sub(pair, equals + 1, pair.n), out);
    }
    *out = (hf_str){ NULL, 0 };
    return HF_OK;
}
