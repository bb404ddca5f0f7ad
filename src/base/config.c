/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the configuration file. A line is `name = value`; '#' starts a comment at the line's start or after a blank, so that a
 * value may hold one inside. Values are never quoted in errors: some files hold passwords.
 */
#include "base/config.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/config_value.h"

#define ROWS_MAX 256
#define ALLOWED_MAX_BYTES 320

struct parse {
    const struct hf_config_row *rows;
    size_t count;
    const char *file_name;
    size_t line; /* from 1 */
    void *target;
    struct hf_diag *diag;
    bool seen[ROWS_MAX]; /* by row */
};

static bool is_name(hf_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!hf_is_alnum(text.p[i]) && text.p[i] != '.' && text.p[i] != '_' && text.p[i] != '-')
            return false;
    return text.n > 0;
}

static hf_err refuse_value(const struct parse *parse, const struct hf_config_row *row,
                           const char *problem)
{
    char memory[ALLOWED_MAX_BYTES];
    struct hf_buf allowed;
    hf_buf_init_fixed(&allowed, memory, sizeof memory);
    hf_config_put_allowed(row, &allowed);
    return hf_fail(parse->diag, HF_E_INVALID, row->name, "%s:%zu: %s: %s; allowed: %.*s",
                   parse->file_name, parse->line, row->name, problem,
                   HF_STR_ARG(hf_buf_str(&allowed)));
}

/* "tls." of "tls.certificate"; nothing for a name without a group. */
static hf_str group_of(hf_str name)
{
    const size_t dot = hf_str_find(name, '.');
    return dot == name.n ? (hf_str){ name.p, 0 } : hf_str_sub(name, 0, dot + 1);
}

/* The names of the group, as many as fit. */
static void put_names(const struct parse *parse, hf_str group, struct hf_buf *out)
{
    for (size_t i = 0; i < parse->count; i++) {
        const char *name = parse->rows[i].name;
        if (hf_str_starts(hf_str_from_c(name), group))
            hf_buf_putf(out, "%s%s", out->n > 0 ? ", " : "", name);
    }
}

static hf_err refuse_name(const struct parse *parse, hf_str name)
{
    char memory[ALLOWED_MAX_BYTES];
    struct hf_buf names;
    hf_buf_init_fixed(&names, memory, sizeof memory);
    put_names(parse, group_of(name), &names);
    if (names.n == 0)
        put_names(parse, HF_LIT(""), &names);
    const hf_str shown = hf_str_sub(name, 0, HF_DIAG_FIELD_MAX_BYTES - 1);
    return hf_fail(parse->diag, HF_E_INVALID, NULL, "%s:%zu: %.*s: is no setting; allowed: %.*s%s",
                   parse->file_name, parse->line, HF_STR_ARG(shown), HF_STR_ARG(hf_buf_str(&names)),
                   hf_buf_err(&names) == HF_OK ? "" : ", …");
}

/* Without the comment and the blanks around. */
static hf_str content_of(hf_str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
            return hf_str_trim(hf_str_sub(line, 0, i));
    return hf_str_trim(line);
}

static size_t find_row(const struct parse *parse, hf_str name)
{
    for (size_t i = 0; i < parse->count; i++)
        if (hf_str_equal(name, hf_str_from_c(parse->rows[i].name)))
            return i;
    return parse->count;
}

static hf_err parse_line(struct parse *parse, hf_str content)
{
    const size_t equals = hf_str_find(content, '=');
    const hf_str name = hf_str_trim(hf_str_sub(content, 0, equals));
    if (equals == content.n || !is_name(name))
        return hf_fail(parse->diag, HF_E_INVALID, NULL,
                       "%s:%zu: is no setting; allowed: name = value, or a comment after #",
                       parse->file_name, parse->line);
    const size_t index = find_row(parse, name);
    if (index == parse->count)
        return refuse_name(parse, name);
    const struct hf_config_row *row = &parse->rows[index];
    if (parse->seen[index] && row->kind != HF_CONFIG_LIST)
        return refuse_value(parse, row, "stands twice");
    /* What the file says of a list replaces the default. */
    if (!parse->seen[index] && row->kind == HF_CONFIG_LIST)
        hf_config_clear(row, parse->target);
    parse->seen[index] = true;
    const hf_str value = hf_str_trim(hf_str_sub(content, equals + 1, content.n));
    const char *problem = hf_config_store(row, value, parse->target);
    return problem == NULL ? HF_OK : refuse_value(parse, row, problem);
}

static hf_err check_required(const struct parse *parse)
{
    for (size_t i = 0; i < parse->count; i++)
        if (parse->rows[i].required && !parse->seen[i])
            return refuse_value(parse, &parse->rows[i], "is missing and must be set");
    return HF_OK;
}

hf_err hf_config_defaults(const struct hf_config_row *rows, size_t count, void *target)
{
    for (size_t i = 0; i < count; i++) {
        hf_config_clear(&rows[i], target);
        const char *text = rows[i].default_text;
        if (text != NULL && hf_config_store(&rows[i], hf_str_from_c(text), target) != NULL)
            return HF_E_INTERNAL;
    }
    return HF_OK;
}

static hf_err parse_lines(struct parse *parse, hf_str text)
{
    hf_str line = { NULL, 0 };
    while (hf_str_next(&text, '\n', &line)) {
        parse->line++;
        const hf_str content = content_of(line);
        const hf_err err = content.n == 0 ? HF_OK : parse_line(parse, content);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

hf_err hf_config_parse(const struct hf_config_row *rows, size_t count, const char *file_name,
                       hf_str text, void *target, struct hf_diag *diag)
{
    HF_ASSERT(count <= ROWS_MAX);
    hf_err err = hf_config_defaults(rows, count, target);
    if (err != HF_OK)
        return hf_fail(diag, err, NULL, "a default is not allowed by its own row");

    struct parse parse = {
        .rows = rows, .count = count, .file_name = file_name, .target = target, .diag = diag
    };
    err = parse_lines(&parse, text);
    return err == HF_OK ? check_required(&parse) : err;
}

hf_err hf_config_change(const struct hf_config_row *rows, size_t count, const char *source,
                        hf_str text, void *target, struct hf_diag *diag)
{
    HF_ASSERT(count <= ROWS_MAX);
    struct parse parse = {
        .rows = rows, .count = count, .file_name = source, .target = target, .diag = diag
    };
    return parse_lines(&parse, text);
}
