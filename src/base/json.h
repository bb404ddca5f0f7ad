/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON. Reading is strict (RFC 8259 UTF-8; duplicate members, trailing bytes, NUL, numbers beyond int64 and depth or
 * size of the tree over the limit are refused) and the tree lives in secret memory, because bodies carry secret values.
 * Writing goes straight into an hf_buf.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

#define HF_JSON_DEPTH_MAX 16
/* Commas, colons, braces and brackets in one text: a small text must not become a large tree. */
#define HF_JSON_MARKS_MAX 65536

struct hf_json; /* a node; borrowed from its root, except the root itself */

enum hf_json_type {
    HF_JSON_NULL,
    HF_JSON_BOOL,
    HF_JSON_INT,
    HF_JSON_REAL, /* a number written with a point or an exponent; see hf_json_whole() */
    HF_JSON_STRING,
    HF_JSON_ARRAY,
    HF_JSON_OBJECT,
};

/* Fails: HF_E_INVALID with diag->text saying where; HF_E_NOMEM. Free with hf_json_free(). */
HF_MUST hf_err hf_json_parse(hf_bytes text, struct hf_diag *diag, struct hf_json **out);
void hf_json_free(struct hf_json *root); /* clears */
HF_DEFINE_FREEP(struct hf_json, hf_json_free)

enum hf_json_type hf_json_type(const struct hf_json *node);

/* The member of that exact name, or NULL (also if node is NULL or no object). A JSON null is a node, not NULL. */
const struct hf_json *hf_json_member(const struct hf_json *object, const char *name);

/* Valid until the root is freed; for other types (or NULL) an empty view with p == NULL, 0, or false. */
hf_str hf_json_str(const struct hf_json *node);
int64_t hf_json_int(const struct hf_json *node);
bool hf_json_bool(const struct hf_json *node);
/* The whole part of a number, toward zero. False if node is no number or the number is beyond int64; *out untouched then. */
HF_MUST bool hf_json_whole(const struct hf_json *node, int64_t *out);

size_t hf_json_size(const struct hf_json *node); /* elements or members; 0 for other types */
/* NULL beyond the end */
const struct hf_json *hf_json_at(const struct hf_json *array, size_t index);

/* Walks an object's members in input order: start with *iter == NULL; false at the end. */
bool hf_json_next(const struct hf_json *object, void **iter, hf_str *name,
                  const struct hf_json **value);

/* A writer. Commas and escaping are its business; errors are buf's, sticky. */
struct hf_json_writer {
    struct hf_buf *buf;
    bool comma; /* a comma is due before the next item */
};

struct hf_json_writer hf_json_writer_on(struct hf_buf *buf);
void hf_jw_begin_object(struct hf_json_writer *w);
void hf_jw_end_object(struct hf_json_writer *w);
void hf_jw_begin_array(struct hf_json_writer *w);
void hf_jw_end_array(struct hf_json_writer *w);
void hf_jw_key(struct hf_json_writer *w, const char *name); /* name needs no escaping */
void hf_jw_key_str(struct hf_json_writer *w, hf_str name);  /* any name */
void hf_jw_str(struct hf_json_writer *w, hf_str value);     /* invalid UTF-8 becomes U+FFFD */
void hf_jw_int(struct hf_json_writer *w, int64_t value);
void hf_jw_bool(struct hf_json_writer *w, bool value);
void hf_jw_null(struct hf_json_writer *w);
void hf_jw_raw(struct hf_json_writer *w, hf_str json); /* already JSON */
/* UTF-8 text; buf must be secret */
void hf_jw_secret(struct hf_json_writer *w, const struct hf_secret *text);

/* Key and value in one call. */
void hf_jw_member_str(struct hf_json_writer *w, const char *name, hf_str value);
void hf_jw_member_c(struct hf_json_writer *w, const char *name, const char *value);
void hf_jw_member_int(struct hf_json_writer *w, const char *name, int64_t value);
void hf_jw_member_bool(struct hf_json_writer *w, const char *name, bool value);
