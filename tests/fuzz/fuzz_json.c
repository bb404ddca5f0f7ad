/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON: what is read is written, read and written again, and must then be the same text. */
#include "base/assert.h"
#include "base/json.h"

#define TEXT_MAX_BYTES ((size_t)64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_node(struct hf_json_writer *w, const struct hf_json *node);

static void write_members(struct hf_json_writer *w, const struct hf_json *object)
{
    void *iter = NULL;
    hf_str name = { NULL, 0 };
    const struct hf_json *value = NULL;
    hf_jw_begin_object(w);
    while (hf_json_next(object, &iter, &name, &value)) {
        hf_jw_key_str(w, name);
        write_node(w, value);
    }
    hf_jw_end_object(w);
}

static void write_elements(struct hf_json_writer *w, const struct hf_json *array)
{
    hf_jw_begin_array(w);
    for (size_t i = 0; i < hf_json_size(array); i++)
        write_node(w, hf_json_at(array, i));
    hf_jw_end_array(w);
}

static void write_node(struct hf_json_writer *w, const struct hf_json *node)
{
    switch (hf_json_type(node)) {
    case HF_JSON_NULL:
        hf_jw_null(w);
        break;
    case HF_JSON_BOOL:
        hf_jw_bool(w, hf_json_bool(node));
        break;
    case HF_JSON_INT:
        hf_jw_int(w, hf_json_int(node));
        break;
    case HF_JSON_REAL:
        hf_jw_raw(w, HF_LIT("0.5")); /* its value is not offered */
        break;
    case HF_JSON_STRING:
        hf_jw_str(w, hf_json_str(node));
        break;
    case HF_JSON_ARRAY:
        write_elements(w, node);
        break;
    case HF_JSON_OBJECT:
        write_members(w, node);
        break;
    }
}

/* True if the text could be read; it is then in out, rewritten. */
static bool rewrite(hf_bytes text, struct hf_buf *out)
{
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    struct hf_diag diag = { 0 };
    const hf_err err = hf_json_parse(text, &diag, &root);
    if (err != HF_OK) {
        HF_ASSERT(err == HF_E_NOMEM || diag.text[0] != '\0');
        return false;
    }
    struct hf_json_writer w = hf_json_writer_on(out);
    write_node(&w, root);
    HF_ASSERT(hf_buf_err(out) == HF_OK);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_buf once;
    struct hf_buf twice;
    hf_buf_init(&once, TEXT_MAX_BYTES);
    hf_buf_init(&twice, TEXT_MAX_BYTES);
    if (rewrite((hf_bytes){ data, size }, &once)) {
        HF_ASSERT(rewrite(hf_buf_view(&once), &twice));
        HF_ASSERT(hf_bytes_equal(hf_buf_view(&once), hf_buf_view(&twice)));
    }
    hf_buf_done(&once);
    hf_buf_done(&twice);
    return 0;
}
