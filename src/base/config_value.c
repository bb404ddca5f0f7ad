/* SPDX-License-Identifier: Apache-2.0 */
/* One value of the configuration file: reading it, storing it, and saying what is allowed. */
#include "base/config_value.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/encode.h"

#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Smallest first. */
static const struct unit size_units[] = {
    { "", 1 },
    { "K", INT64_C(1) << 10 },
    { "M", INT64_C(1) << 20 },
    { "G", INT64_C(1) << 30 },
};

static const struct unit duration_units[] = {
    { "ms", HF_USEC_PER_MSEC },      { "s", HF_USEC_PER_SEC }, { "m", 60 * HF_USEC_PER_SEC },
    { "h", 3600 * HF_USEC_PER_SEC }, { "d", HF_USEC_PER_DAY },
};

static hf_err parse_number(hf_str text, int64_t factor, int64_t *out)
{
    uint64_t number = 0;
    int64_t value = 0;
    if (!hf_str_parse_u64(text, INT64_MAX, &number))
        return HF_E_INVALID;
    if (__builtin_mul_overflow((int64_t)number, factor, &value))
        return HF_E_RANGE;
    *out = value;
    return HF_OK;
}

/* Digits, then the name of one unit. */
static hf_err parse_with_unit(hf_str text, const struct unit *units, size_t count, int64_t *out)
{
    size_t digits = 0;
    while (digits < text.n && hf_is_digit(text.p[digits]))
        digits++;
    const hf_str name = hf_str_sub(text, digits, text.n);
    for (size_t i = 0; i < count; i++)
        if (hf_str_equal(name, hf_str_from_c(units[i].name)))
            return parse_number(hf_str_sub(text, 0, digits), units[i].factor, out);
    return HF_E_INVALID;
}

/* "0" needs no unit: it is how a setting says never. */
hf_err hf_parse_duration(hf_str text, int64_t *out_usec)
{
    if (hf_str_equal(text, HF_LIT("0"))) {
        *out_usec = 0;
        return HF_OK;
    }
    return parse_with_unit(text, duration_units, HF_ARRAY_LEN(duration_units), out_usec);
}

hf_err hf_parse_size(hf_str text, int64_t *out_bytes)
{
    return parse_with_unit(text, size_units, HF_ARRAY_LEN(size_units), out_bytes);
}

static hf_err parse_int(hf_str text, int64_t *out)
{
    if (!hf_str_starts(text, HF_LIT("-")))
        return parse_number(text, 1, out);
    return parse_number(hf_str_sub(text, 1, text.n), -1, out);
}

/* For all that is one number in the target. */
static void set_number(const struct hf_config_row *row, int64_t value, void *target)
{
    HF_ASSERT(row->size == sizeof value);
    memcpy((char *)target + row->offset, &value, sizeof value);
}

static const char *store_number(const struct hf_config_row *row, hf_err err, int64_t value,
                                void *target)
{
    if (err != HF_OK && err != HF_E_RANGE)
        return row->kind == HF_CONFIG_INT ? "is not a number" : "is not a number with its unit";
    if (err == HF_E_RANGE || value < row->min || value > row->max)
        return "is out of range";
    set_number(row, value, target);
    return NULL;
}

static const char *store_choice(const struct hf_config_row *row, hf_str value, void *target)
{
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        if (hf_str_equal(value, hf_str_from_c(row->choices[i]))) {
            set_number(row, (int64_t)i, target);
            return NULL;
        }
    }
    return "is none of the choices";
}

static const char *store_bool(const struct hf_config_row *row, hf_str value, void *target)
{
    const bool yes = hf_str_equal(value, HF_LIT("yes"));
    if (!yes && !hf_str_equal(value, HF_LIT("no")))
        return "is neither yes nor no";
    HF_ASSERT(row->size == sizeof yes);
    memcpy((char *)target + row->offset, &yes, sizeof yes);
    return NULL;
}

static const char *copy_text(hf_str value, char *out, size_t size)
{
    if (value.n >= size)
        return "is too long";
    for (size_t i = 0; i < value.n; i++)
        if ((uint8_t)value.p[i] < ' ' || value.p[i] == '\x7f')
            return "has a control character";
    if (!hf_utf8_valid(value))
        return "is not valid UTF-8";
    if (value.n > 0)
        memcpy(out, value.p, value.n);
    out[value.n] = '\0';
    return NULL;
}

static const char *store_text(const struct hf_config_row *row, hf_str value, void *target)
{
    if (row->required && value.n == 0)
        return "is empty";
    return copy_text(value, (char *)target + row->offset, row->size);
}

static const char *store_list_item(const struct hf_config_row *row, hf_str value, void *target)
{
    HF_ASSERT(row->size == sizeof(struct hf_config_list));
    struct hf_config_list *list = (void *)((char *)target + row->offset);
    if (value.n == 0)
        return "is empty";
    if (list->count == HF_CONFIG_LIST_MAX)
        return "stands too often";
    const char *problem = copy_text(value, list->items[list->count], sizeof list->items[0]);
    if (problem == NULL)
        list->count++;
    return problem;
}

const char *hf_config_store(const struct hf_config_row *row, hf_str value, void *target)
{
    int64_t number = 0;
    hf_err err = HF_OK;
    switch (row->kind) {
    case HF_CONFIG_TEXT:
        return store_text(row, value, target);
    case HF_CONFIG_BOOL:
        return store_bool(row, value, target);
    case HF_CONFIG_CHOICE:
        return store_choice(row, value, target);
    case HF_CONFIG_LIST:
        return store_list_item(row, value, target);
    case HF_CONFIG_INT:
        err = parse_int(value, &number);
        break;
    case HF_CONFIG_SIZE:
        err = hf_parse_size(value, &number);
        break;
    case HF_CONFIG_DURATION:
        err = hf_parse_duration(value, &number);
        break;
    }
    return store_number(row, err, number, target);
}

void hf_config_clear(const struct hf_config_row *row, void *target)
{
    memset((char *)target + row->offset, 0, row->size);
}

/* In the largest unit that leaves no rest. */
static void put_with_unit(int64_t value, const struct unit *units, size_t count, struct hf_buf *out)
{
    size_t unit = 0;
    for (size_t i = 1; i < count && value != 0; i++)
        if (value % units[i].factor == 0)
            unit = i;
    hf_buf_put_dec(out, value / units[unit].factor);
    hf_buf_put_c(out, units[unit].name);
}

static void put_number(const struct hf_config_row *row, int64_t value, struct hf_buf *out)
{
    if (row->kind == HF_CONFIG_SIZE)
        put_with_unit(value, size_units, HF_ARRAY_LEN(size_units), out);
    else if (row->kind == HF_CONFIG_DURATION)
        put_with_unit(value, duration_units, HF_ARRAY_LEN(duration_units), out);
    else
        hf_buf_put_dec(out, value);
}

static void put_range(const struct hf_config_row *row, struct hf_buf *out)
{
    if (row->max == INT64_MAX)
        hf_buf_put_c(out, "at least ");
    put_number(row, row->min, out);
    if (row->max == INT64_MAX)
        return;
    hf_buf_put_c(out, " to ");
    put_number(row, row->max, out);
}

static void put_choices(const struct hf_config_row *row, struct hf_buf *out)
{
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        if (i > 0)
            hf_buf_put_c(out, row->choices[i + 1] == NULL ? " or " : ", ");
        hf_buf_put_c(out, row->choices[i]);
    }
}

void hf_config_put_allowed(const struct hf_config_row *row, struct hf_buf *out)
{
    switch (row->kind) {
    case HF_CONFIG_TEXT:
        hf_buf_putf(out, "text of at most %zu bytes", row->size - 1);
        break;
    case HF_CONFIG_BOOL:
        hf_buf_put_c(out, "yes or no");
        break;
    case HF_CONFIG_CHOICE:
        put_choices(row, out);
        break;
    case HF_CONFIG_LIST:
        hf_buf_putf(out, "text of at most %d bytes, on up to %d lines",
                    HF_CONFIG_TEXT_MAX_BYTES - 1, HF_CONFIG_LIST_MAX);
        break;
    case HF_CONFIG_INT:
    case HF_CONFIG_SIZE:
    case HF_CONFIG_DURATION:
        put_range(row, out);
        break;
    }
}
