/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON: the only file that knows jansson. A node is jansson's json_t behind an opaque name. jansson's own error text
 * quotes the input, which may be secret, so it goes nowhere: place and reason are told in words of our own.
 */
#include "base/json.h"

#include <jansson.h>
#include <pthread.h>
#include <sys/random.h>

static pthread_once_t setup_once = PTHREAD_ONCE_INIT;

/* Before the first tree: its memory is secret, and its hash tables are seeded while the system can still be asked. */
static void setup(void)
{
    json_set_alloc_funcs(hf_secret_alloc, hf_secret_release);
    size_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = 0; /* jansson then finds one itself */
    json_object_seed(seed);
}

/* Mutable, because jansson's readers ask for that; they do not change it. */
static json_t *tree_of(const struct hf_json *node)
{
    const union {
        const struct hf_json *node;
        json_t *tree;
    } either = { node };
    return either.tree;
}

/*
 * Where the depth or the number of marks first exceeds its limit, or text.n. Anything malformed is
 * left to the parser.
 */
static size_t find_too_large(hf_bytes text)
{
    size_t depth = 0;
    size_t marks = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        const uint8_t c = text.p[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == ',' || c == ':') {
            if (++marks > HF_JSON_MARKS_MAX)
                return i;
        } else if (c == '{' || c == '[') {
            if (++depth > HF_JSON_DEPTH_MAX || ++marks > HF_JSON_MARKS_MAX)
                return i;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return text.n;
}

static const char *reason_of(enum json_error_code code)
{
    static const char *const reasons[] = {
        [json_error_premature_end_of_input] = "the text ends too early",
        [json_error_end_of_input_expected] = "unexpected text after the end",
        [json_error_invalid_utf8] = "the text is not valid UTF-8",
        [json_error_null_character] = "a NUL character is not allowed",
        [json_error_null_byte_in_key] = "a NUL character is not allowed",
        [json_error_duplicate_key] = "a member occurs twice",
        [json_error_numeric_overflow] = "a number is out of range",
    };
    const size_t index = (size_t)code;
    const char *reason = index < HF_ARRAY_LEN(reasons) ? reasons[index] : NULL;
    return reason == NULL ? "the text is not valid JSON" : reason;
}

static hf_err refuse(struct hf_diag *diag, const json_error_t *error)
{
    const enum json_error_code code = json_error_code(error);
    /* jansson names no reason when the allocator fails inside its scanner. */
    if (code == json_error_out_of_memory || error->text[0] == '\0')
        return HF_E_NOMEM;
    return hf_fail(diag, HF_E_INVALID, NULL, "JSON, line %d, column %d: %s", error->line,
                   error->column, reason_of(code));
}

hf_err hf_json_parse(hf_bytes text, struct hf_diag *diag, struct hf_json **out)
{
    (void)pthread_once(&setup_once, setup);
    if (text.n == 0)
        return hf_fail(diag, HF_E_INVALID, NULL, "JSON: the text is empty");
    const size_t too_large = find_too_large(text);
    if (too_large < text.n)
        return hf_fail(diag, HF_E_INVALID, NULL,
                       "JSON, byte %zu: nested deeper than %d, or more than %d members", too_large,
                       HF_JSON_DEPTH_MAX, HF_JSON_MARKS_MAX);

    json_error_t error = { 0 };
    json_t *tree = json_loadb((const char *)text.p, text.n,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    const hf_err err = tree == NULL ? refuse(diag, &error) : HF_OK;
    hf_wipe(&error, sizeof error);
    if (err != HF_OK)
        return err;
    *out = (struct hf_json *)(void *)tree;
    return HF_OK;
}

void hf_json_free(struct hf_json *root)
{
    json_decref(tree_of(root));
}

enum hf_json_type hf_json_type(const struct hf_json *node)
{
    if (node == NULL)
        return HF_JSON_NULL;
    switch (json_typeof(tree_of(node))) {
    case JSON_OBJECT:
        return HF_JSON_OBJECT;
    case JSON_ARRAY:
        return HF_JSON_ARRAY;
    case JSON_STRING:
        return HF_JSON_STRING;
    case JSON_INTEGER:
        return HF_JSON_INT;
    case JSON_REAL:
        return HF_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return HF_JSON_BOOL;
    case JSON_NULL:
        break;
    }
    return HF_JSON_NULL;
}

const struct hf_json *hf_json_member(const struct hf_json *object, const char *name)
{
    return (const struct hf_json *)(const void *)json_object_get(tree_of(object), name);
}

hf_str hf_json_str(const struct hf_json *node)
{
    const json_t *tree = tree_of(node);
    return (hf_str){ json_string_value(tree), json_string_length(tree) };
}

int64_t hf_json_int(const struct hf_json *node)
{
    return json_integer_value(tree_of(node));
}

/* 2^63: every double between it and its negative has a whole part in int64. */
#define WHOLE_LIMIT 9223372036854775808.0

bool hf_json_whole(const struct hf_json *node, int64_t *out)
{
    const json_t *tree = tree_of(node);
    if (json_is_integer(tree)) {
        *out = json_integer_value(tree);
        return true;
    }
    if (!json_is_real(tree))
        return false;
    const double number = json_real_value(tree);
    if (!(number > -WHOLE_LIMIT && number < WHOLE_LIMIT))
        return false;
    *out = (int64_t)number;
    return true;
}

bool hf_json_bool(const struct hf_json *node)
{
    const json_t *tree = tree_of(node);
    return json_is_true(tree);
}

size_t hf_json_size(const struct hf_json *node)
{
    const json_t *tree = tree_of(node);
    return json_is_array(tree) ? json_array_size(tree) : json_object_size(tree);
}

const struct hf_json *hf_json_at(const struct hf_json *array, size_t index)
{
    return (const struct hf_json *)(const void *)json_array_get(tree_of(array), index);
}

bool hf_json_next(const struct hf_json *object, void **iter, hf_str *name,
                  const struct hf_json **value)
{
    json_t *tree = tree_of(object);
    *iter = *iter == NULL ? json_object_iter(tree) : json_object_iter_next(tree, *iter);
    if (*iter == NULL)
        return false;
    *name = (hf_str){ json_object_iter_key(*iter), json_object_iter_key_len(*iter) };
    *value = (const struct hf_json *)(const void *)json_object_iter_value(*iter);
    return true;
}
