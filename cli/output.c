/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns, objects and JSON on standard output.
 */
#include "cli/output.h"

#include "base/clock.h"
#include "base/file.h"
#include "cli/message.h"

#include <unistd.h>

#define TABLE_MAX_BYTES ((size_t)256 * 1024 * 1024)
#define OBJECT_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define MEMBER_NAME_MAX_BYTES 31
#define GAP "  "

int cli_print(hf_bytes bytes)
{
    const hf_err err = hf_fd_write_all(STDOUT_FILENO, bytes);
    return err == HF_OK ? CLI_OK
                        : cli_fail(CLI_FAILED, "cannot write the output: %s", hf_err_text(err));
}

int cli_print_line(hf_bytes bytes)
{
    const int code = cli_print(bytes);
    return code == CLI_OK ? cli_print(hf_str_bytes(HF_LIT("\n"))) : code;
}

static int print_buf(const struct hf_buf *buf)
{
    const hf_err err = hf_buf_err(buf);
    return err == HF_OK ? cli_print(hf_buf_view(buf))
                        : cli_fail(CLI_FAILED, "the output: %s", hf_err_text(err));
}

/* ---- JSON ---- */

static void write_node(struct hf_json_writer *w, const struct hf_json *node, const char *skip);

static void write_object(struct hf_json_writer *w, const struct hf_json *node, const char *skip)
{
    void *iter = NULL;
    hf_str name;
    const struct hf_json *value = NULL;
    hf_jw_begin_object(w);
    while (hf_json_next(node, &iter, &name, &value)) {
        if (skip != NULL && hf_str_equal(name, hf_str_from_c(skip)))
            continue;
        hf_jw_key_str(w, name);
        write_node(w, value, NULL);
    }
    hf_jw_end_object(w);
}

static void write_array(struct hf_json_writer *w, const struct hf_json *node)
{
    hf_jw_begin_array(w);
    for (size_t i = 0; i < hf_json_size(node); i++)
        write_node(w, hf_json_at(node, i), NULL);
    hf_jw_end_array(w);
}

/* Depth is bounded by the parser (HF_JSON_DEPTH_MAX). */
static void write_node(struct hf_json_writer *w, const struct hf_json *node, const char *skip)
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
        if (hf_buf_err(w->buf) == HF_OK)
            w->buf->err = HF_E_UNSUPPORTED;
        break;
    case HF_JSON_STRING:
        hf_jw_str(w, hf_json_str(node));
        break;
    case HF_JSON_ARRAY:
        write_array(w, node);
        break;
    case HF_JSON_OBJECT:
        write_object(w, node, skip);
        break;
    }
}

void cli_put_json(struct hf_buf *out, const struct hf_json *node, const char *skip)
{
    struct hf_json_writer w = hf_json_writer_on(out);
    write_node(&w, node, skip);
}

/* ---- cells ---- */

/* One step of a path: the member's name must be terminated. */
static const struct hf_json *step_into(const struct hf_json *object, hf_str name)
{
    char memory[MEMBER_NAME_MAX_BYTES + 1] = "";
    struct hf_buf text;
    hf_buf_init_fixed(&text, memory, MEMBER_NAME_MAX_BYTES);
    hf_buf_put_str(&text, name);
    return hf_json_member(object, memory);
}

/* "a.b|c": the member b of the member a, or if there is none, the member c. */
static const struct hf_json *find_member(const struct hf_json *item, const char *paths)
{
    hf_str alternatives = hf_str_from_c(paths);
    hf_str path;
    const struct hf_json *node = NULL;
    while (node == NULL && hf_str_next(&alternatives, '|', &path)) {
        hf_str name;
        node = item;
        while (hf_str_next(&path, '.', &name))
            node = step_into(node, name);
    }
    return node;
}

/* https://host/secrets/NAME/VERSION: the name is part 4, the version part 5, "https:" being 0 and the host 2. */
static void put_id_part(struct hf_buf *out, hf_str id, size_t wanted)
{
    hf_str part = { NULL, 0 };
    for (size_t i = 0; i <= wanted; i++) {
        if (!hf_str_next(&id, '/', &part)) {
            hf_buf_put_u8(out, '-');
            return;
        }
    }
    cli_put_clean(out, part);
}

static void put_tags(struct hf_buf *out, const struct hf_json *tags)
{
    void *iter = NULL;
    hf_str name;
    const struct hf_json *value = NULL;
    const char *separator = "";
    while (hf_json_next(tags, &iter, &name, &value)) {
        hf_buf_put_c(out, separator);
        cli_put_clean(out, name);
        hf_buf_put_u8(out, '=');
        cli_put_clean(out, hf_json_str(value));
        separator = ", ";
    }
    if (separator[0] == '\0')
        hf_buf_put_u8(out, '-');
}

static void put_list(struct hf_buf *out, const struct hf_json *array)
{
    for (size_t i = 0; i < hf_json_size(array); i++) {
        hf_buf_put_c(out, i > 0 ? ", " : "");
        cli_put_clean(out, hf_json_str(hf_json_at(array, i)));
    }
    if (hf_json_size(array) == 0)
        hf_buf_put_u8(out, '-');
}

static void put_plain(struct hf_buf *out, const struct hf_json *node)
{
    if (hf_json_type(node) == HF_JSON_STRING)
        cli_put_clean(out, hf_json_str(node));
    else if (hf_json_type(node) == HF_JSON_BOOL)
        hf_buf_put_c(out, hf_json_bool(node) ? "yes" : "no");
    else if (hf_json_type(node) == HF_JSON_INT)
        hf_buf_put_dec(out, hf_json_int(node));
    else
        hf_buf_put_u8(out, '-');
}

/* Beyond what a calendar can say (year 9999), the number itself. */
static void put_time(struct hf_buf *out, const struct hf_json *node)
{
    const int64_t seconds = hf_json_int(node);
    if (hf_json_type(node) == HF_JSON_INT && seconds >= 0 && seconds <= INT64_C(253402300799))
        hf_buf_put_plain_time(out, hf_usec_from_seconds(seconds));
    else
        put_plain(out, node);
}

static void put_cell(struct hf_buf *out, const struct cli_column *column,
                     const struct hf_json *item)
{
    const struct hf_json *node = find_member(item, column->member);
    if (node == NULL) {
        hf_buf_put_u8(out, '-');
        return;
    }
    switch (column->kind) {
    case CLI_CELL_PLAIN:
        put_plain(out, node);
        break;
    case CLI_CELL_TIME:
        put_time(out, node);
        break;
    case CLI_CELL_NAME:
        put_id_part(out, hf_json_str(node), 4);
        break;
    case CLI_CELL_VERSION:
        put_id_part(out, hf_json_str(node), 5);
        break;
    case CLI_CELL_TAGS:
        put_tags(out, node);
        break;
    case CLI_CELL_LIST:
        put_list(out, node);
        break;
    }
}

/* Characters: bytes that do not continue one. */
static size_t width_of(hf_str text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.n; i++)
        width += ((uint8_t)text.p[i] & 0xC0) != 0x80;
    return width;
}

static void put_padding(struct hf_buf *out, size_t used, size_t wanted)
{
    for (size_t i = used; i < wanted; i++)
        hf_buf_put_u8(out, ' ');
}

/* ---- lists ---- */

void cli_table_init(struct cli_table *table, const struct cli_column *columns, size_t count)
{
    *table = (struct cli_table){ .columns = columns,
                                 .column_count = count < CLI_COLUMNS_MAX ? count
                                                                         : CLI_COLUMNS_MAX };
    hf_buf_init(&table->cells, TABLE_MAX_BYTES);
    for (size_t i = 0; i < table->column_count; i++)
        table->widths[i] = width_of(hf_str_from_c(columns[i].title));
}

void cli_table_done(struct cli_table *table)
{
    hf_buf_done(&table->cells);
}

void cli_table_add(struct cli_table *table, const struct hf_json *item)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const size_t start = table->cells.n;
        put_cell(&table->cells, &table->columns[i], item);
        if (hf_buf_err(&table->cells) != HF_OK)
            return;
        const size_t width = width_of(hf_str_sub(hf_buf_str(&table->cells), start, SIZE_MAX));
        if (width > table->widths[i])
            table->widths[i] = width;
        hf_buf_put_u8(&table->cells, 0);
    }
    table->rows++;
}

/* The last cell of a line is not padded. */
static void put_line_cell(const struct cli_table *table, size_t column, hf_str text,
                          struct hf_buf *out)
{
    hf_buf_put_str(out, text);
    if (column + 1 == table->column_count) {
        hf_buf_put_u8(out, '\n');
        return;
    }
    put_padding(out, width_of(text), table->widths[column]);
    hf_buf_put_c(out, GAP);
}

int cli_table_print(const struct cli_table *table)
{
    if (hf_buf_err(&table->cells) != HF_OK)
        return print_buf(&table->cells);
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, 2 * TABLE_MAX_BYTES);
    for (size_t i = 0; i < table->column_count; i++)
        put_line_cell(table, i, hf_str_from_c(table->columns[i].title), &out);
    hf_str rest = hf_buf_str(&table->cells);
    hf_str cell;
    for (size_t i = 0; i < table->rows * table->column_count; i++) {
        if (hf_str_next(&rest, '\0', &cell))
            put_line_cell(table, i % table->column_count, cell, &out);
    }
    return print_buf(&out);
}

/* ---- one object ---- */

int cli_print_object(const struct cli_column *columns, size_t count, const struct hf_json *object)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init_secret(&out, OBJECT_MAX_BYTES);
    size_t widest = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t width = width_of(hf_str_from_c(columns[i].title));
        widest = width > widest ? width : widest;
    }
    for (size_t i = 0; i < count; i++) {
        const hf_str title = hf_str_from_c(columns[i].title);
        hf_buf_put_str(&out, title);
        put_padding(&out, width_of(title), widest);
        hf_buf_put_c(&out, GAP);
        put_cell(&out, &columns[i], object);
        hf_buf_put_u8(&out, '\n');
    }
    return print_buf(&out);
}
