/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to standard output: JSON for programs, aligned columns for people. Which members people see, and how, is described by
 * rows. Nothing passes through stdio's buffers, because some of it is secret.
 */
#pragma once

#include "base/buf.h"
#include "base/json.h"

enum cli_cell {
    CLI_CELL_PLAIN,   /* text, a number, yes or no; '-' if absent or null */
    CLI_CELL_TIME,    /* seconds since 1970 */
    CLI_CELL_NAME,    /* the object's name in its id */
    CLI_CELL_VERSION, /* the object's version in its id */
    CLI_CELL_TAGS,    /* an object of texts: a=b, c=d */
    CLI_CELL_LIST,    /* an array of texts: a, b */
};

struct cli_column {
    const char *title;
    const char *
        member; /* "attributes.enabled" is a member of a member; "a|b" is a, or b if there is no a */
    enum cli_cell kind;
};

#define CLI_COLUMNS_MAX 12

/* A list being collected; rows are appended as they arrive. */
struct cli_table {
    const struct cli_column *columns;
    size_t column_count;
    size_t widths[CLI_COLUMNS_MAX]; /* characters of the widest cell */
    size_t rows;
    struct hf_buf cells; /* row by row, each cell ended by NUL */
};

void cli_table_init(struct cli_table *table, const struct cli_column *columns, size_t count);
void cli_table_done(struct cli_table *table);
void cli_table_add(struct cli_table *table, const struct hf_json *item);
/* Titles and rows. Returns an exit code, as all that follow. */
int cli_table_print(const struct cli_table *table);

/* One object, one line for each row: title and content. */
int cli_print_object(const struct cli_column *columns, size_t count, const struct hf_json *object);

/* Bytes as they are. */
int cli_print(hf_bytes bytes);
/* The bytes and a line's end. */
int cli_print_line(hf_bytes bytes);

/* Appends node as JSON. Fails (sticky, in out): HF_E_UNSUPPORTED for a number that is no integer. skip names a member of the
 * outermost object to leave out, or is NULL. */
void cli_put_json(struct hf_buf *out, const struct hf_json *node, const char *skip);
