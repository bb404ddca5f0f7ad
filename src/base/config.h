/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: lines `name = value`; '#' at the line's start or after a blank starts a comment. Names and values
 * are described by rows; the parser, the documentation and --help come from the same rows. A wrong setting is refused with
 * file, line and what is allowed.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum hf_config_kind {
    HF_CONFIG_TEXT,     /* char[]: terminated, cut never: too long is refused */
    HF_CONFIG_BOOL,     /* bool: yes or no */
    HF_CONFIG_INT,      /* int64_t */
    HF_CONFIG_SIZE,     /* int64_t bytes: 16, 64K, 24M, 2G (powers of 1024) */
    HF_CONFIG_DURATION, /* hf_usec: 500ms, 30s, 10m, 2h, 90d */
    HF_CONFIG_CHOICE,   /* int64_t: index into choices */
    HF_CONFIG_LIST,     /* struct hf_config_list: may stand several times, one value each */
};

#define HF_CONFIG_TEXT_MAX_BYTES 512
#define HF_CONFIG_LIST_MAX 32

struct hf_config_list {
    size_t count;
    char items[HF_CONFIG_LIST_MAX][HF_CONFIG_TEXT_MAX_BYTES];
};

struct hf_config_row {
    const char *name; /* "tls.certificate" */
    enum hf_config_kind kind;
    size_t offset;    /* of the member in the target struct */
    size_t size;      /* of the member; for TEXT the room with the NUL */
    int64_t min, max; /* INT, SIZE (bytes), DURATION (usec) */
    /* in the file's own form; NULL for a list or "must be set" when required */
    const char *default_text;
    const char *const *choices; /* CHOICE: NULL-terminated */
    bool required;
    const char *help; /* one sentence, for --help and the docs */
};

/* Sets the defaults, then reads text line by line into *target. Unknown names and repeated ones (but lists) are refused.
 * diag->text: "FILE:LINE: NAME: what is wrong; allowed: …". */
HF_MUST hf_err hf_config_parse(const struct hf_config_row *rows, size_t count,
                               const char *file_name, hf_str text, void *target,
                               struct hf_diag *diag);
/* Only what text says, on top of what *target holds; nothing is required. source stands in messages. */
HF_MUST hf_err hf_config_change(const struct hf_config_row *rows, size_t count, const char *source,
                                hf_str text, void *target, struct hf_diag *diag);
/* Only the defaults; required settings stay empty. */
HF_MUST hf_err hf_config_defaults(const struct hf_config_row *rows, size_t count, void *target);
/* A commented example file with every setting, its default, range and help. */
void hf_config_write_example(const struct hf_config_row *rows, size_t count, struct hf_buf *out);
/* A Markdown table of all settings, for docs/configuration.md. */
void hf_config_write_markdown(const struct hf_config_row *rows, size_t count, struct hf_buf *out);

HF_MUST hf_err hf_parse_duration(hf_str text, int64_t *out_usec);
HF_MUST hf_err hf_parse_size(hf_str text, int64_t *out_bytes);
