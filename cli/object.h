/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of a vault (secrets, keys) as the commands of every collection treat them: a collection is a row of paths and columns.
 */
#pragma once

#include "cli/keyvault.h"
#include "cli/output.h"

#define CLI_OBJECT_PATH_MAX_BYTES ((size_t)4 * 1024)

struct cli_columns {
    const struct cli_column *rows;
    size_t count;
};
/* clang-format off */
#define CLI_COLUMNS(array) { (array), HF_ARRAY_LEN(array) }
/* clang-format on */

struct cli_collection {
    const char *path; /* "/secrets" */
    const char *deleted_path;
    struct cli_columns show;
    struct cli_columns deleted;
    struct cli_columns list;
    struct cli_columns versions;
    struct cli_columns deleted_list;
};

/* "{collection}/{name}{tail}", the name being the first argument. Initialises path. */
void cli_object_path(struct hf_buf *path, const char *collection, const struct cli_input *input,
                     const char *tail);

/* One call to one vault. Returns an exit code, as all that follow. */
int cli_object_send(const struct cli_input *input, const struct cli_keyvault_call *call,
                    struct cli_answer *answer);
int cli_object_send_and_show(const struct cli_input *input, const struct cli_keyvault_call *call,
                             const struct cli_columns *columns);

/* The members nbf and exp from --not-before and --expires, into the object that w is in. */
int cli_object_put_times(const struct cli_input *input, struct hf_json_writer *w);
/* The member "attributes" of a new version: these and enabled, which --disabled turns off. */
int cli_object_put_attributes(const struct cli_input *input, struct hf_json_writer *w);
/* The member "tags" from --tag; nothing without one. */
int cli_object_put_tags(const struct cli_input *input, struct hf_json_writer *w);
/* Appends '/' and --version, if it was given. */
int cli_object_put_version(const struct cli_input *input, struct hf_buf *path);

/* The commands that are the same for every collection. */
int cli_object_list(const struct cli_input *input, const struct cli_collection *kind);
int cli_object_versions(const struct cli_input *input, const struct cli_collection *kind);
int cli_object_show_deleted(const struct cli_input *input, const struct cli_collection *kind);
int cli_object_delete(const struct cli_input *input, const struct cli_collection *kind);
int cli_object_recover(const struct cli_input *input, const struct cli_collection *kind);
int cli_object_purge(const struct cli_input *input, const struct cli_collection *kind);
