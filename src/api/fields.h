/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON bodies described by rows: name, kind, member. Unknown members are ignored and null counts as absent, as Key Vault does; a
 * wrong type is refused with the field's name.
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "vault/secret.h"

enum api_field_kind {
    API_FIELD_IS_STR,    /* hf_str */
    API_FIELD_IS_SECRET, /* struct hf_secret *: owned by the arena */
    API_FIELD_IS_BOOL,   /* bool */
    API_FIELD_IS_INT,    /* int64_t */
    API_FIELD_IS_TIME,   /* hf_usec, from IntDate (seconds since 1970) */
    API_FIELD_IS_TAGS,   /* struct vault_tags */
    API_FIELD_IS_NODE,   /* const struct hf_json *: an object */
    API_FIELD_IS_ARRAY,  /* the same: an array */
    API_FIELD_IS_OBJECT, /* members by `fields`, in the same struct */
};

#define API_FIELD_NO_FLAG SIZE_MAX

struct api_field {
    const char *name;
    enum api_field_kind kind;
    bool required;
    size_t offset; /* of the member */
    /* of a bool that is set when the field is there; API_FIELD_NO_FLAG for none */
    size_t flag_offset;
    const struct api_field *fields; /* OBJECT */
    size_t field_count;
};

#define API_FIELD(type, member, field_kind, field_name, is_required)                               \
    {                                                                                              \
        .name = (field_name), .kind = (field_kind), .required = (is_required),                     \
        .offset = offsetof(type, member), .flag_offset = API_FIELD_NO_FLAG                         \
    }
#define API_FIELD_FLAGGED(type, member, flag, field_kind, field_name)                              \
    {                                                                                              \
        .name = (field_name), .kind = (field_kind), .required = false,                             \
        .offset = offsetof(type, member), .flag_offset = offsetof(type, flag)                      \
    }
#define API_FIELD_OBJECT(field_name, rows)                                                         \
    {                                                                                              \
        .name = (field_name), .kind = API_FIELD_IS_OBJECT, .flag_offset = API_FIELD_NO_FLAG,       \
        .fields = (rows), .field_count = HF_ARRAY_LEN(rows)                                        \
    }

/* A table with the size of what it fills: for those who know neither. */
struct api_body {
    const struct api_field *fields;
    size_t field_count;
    size_t size;
};

#define API_BODY(type, rows)                                                                       \
    {                                                                                              \
        .fields = (rows), .field_count = HF_ARRAY_LEN(rows), .size = sizeof(type)                  \
    }

/* The latest IntDate: 9999-12-31T23:59:59Z, the end of .NET's DateTime. */
#define API_TIME_MAX_SECONDS INT64_C(253402300799)

/* object NULL counts as {}. Fails: HF_E_INVALID with diag->field set; HF_E_NOMEM. Views point into the JSON tree. */
HF_MUST hf_err api_fields_read(const struct api_field *fields, size_t count,
                               const struct hf_json *object, struct hf_arena *arena,
                               struct hf_diag *diag, void *target);
