/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's documentation, made from the same rows as its parser. */
#include "base/config.h"

#include "base/config_value.h"

#define COMMENT_COLUMNS 96

/* The text as comment lines, broken between words. */
static void put_comment(hf_str text, struct hf_buf *out)
{
    size_t column = 0;
    hf_str word = { NULL, 0 };
    while (hf_str_next(&text, ' ', &word)) {
        if (column == 0 || column + 1 + word.n > COMMENT_COLUMNS) {
            hf_buf_put_c(out, column == 0 ? "#" : "\n#");
            column = 1;
        }
        hf_buf_put_u8(out, ' ');
        hf_buf_put_str(out, word);
        column += 1 + word.n;
    }
    hf_buf_put_u8(out, '\n');
}

static void put_allowed_comment(const struct hf_config_row *row, struct hf_buf *out)
{
    hf_buf_put_c(out, "# Allowed: ");
    hf_config_put_allowed(row, out);
    hf_buf_put_c(out, row->required ? ". Must be set.\n" : ".\n");
}

void hf_config_write_example(const struct hf_config_row *rows, size_t count, struct hf_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct hf_config_row *row = &rows[i];
        if (i > 0)
            hf_buf_put_u8(out, '\n');
        put_comment(hf_str_from_c(row->help), out);
        put_allowed_comment(row, out);
        hf_buf_put_c(out, row->required ? "" : "#");
        hf_buf_put_c(out, row->name);
        hf_buf_put_c(out, " =");
        if (row->default_text != NULL && row->default_text[0] != '\0')
            hf_buf_putf(out, " %s", row->default_text);
        hf_buf_put_u8(out, '\n');
    }
}

/* A cell's text: a bar would end the cell. */
static void put_cell(struct hf_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            hf_buf_put_u8(out, '\\');
        hf_buf_put_u8(out, (uint8_t)*text);
    }
}

static void put_default_cell(const struct hf_config_row *row, struct hf_buf *out)
{
    if (row->default_text == NULL || row->default_text[0] == '\0') {
        hf_buf_put_c(out, row->required ? "must be set" : "none");
        return;
    }
    hf_buf_put_u8(out, '`');
    put_cell(out, row->default_text);
    hf_buf_put_u8(out, '`');
}

void hf_config_write_markdown(const struct hf_config_row *rows, size_t count, struct hf_buf *out)
{
    hf_buf_put_c(out, "| Setting | Allowed | Default | Meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < count; i++) {
        const struct hf_config_row *row = &rows[i];
        hf_buf_putf(out, "| `%s` | ", row->name);
        hf_config_put_allowed(row, out);
        hf_buf_put_c(out, " | ");
        put_default_cell(row, out);
        hf_buf_put_c(out, " | ");
        put_cell(out, row->help);
        hf_buf_put_c(out, " |\n");
    }
}
