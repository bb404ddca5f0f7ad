/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event, one line, one write(2). A line is built in a fixed array; a pair that does not fit is left out whole, with all
 * after it, and the line says so.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log_limit.h"

#include <pthread.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define TAIL_MAX_BYTES 32 /* what ends a line */
#define VALUE_MAX_BYTES 256

static const char *const level_names[] = {
    [HF_LOG_ERROR] = "error", [HF_LOG_WARN] = "warn",   [HF_LOG_NOTICE] = "notice",
    [HF_LOG_INFO] = "info",   [HF_LOG_DEBUG] = "debug",
};

static struct {
    hf_log_level level; /* immutable after start */
    bool json;          /* immutable after start */
    pthread_mutex_t m;
    struct hf_log_limit limit; /* under m */
} logger = { .level = HF_LOG_INFO, .m = PTHREAD_MUTEX_INITIALIZER };

static const struct hf_clock system_clock;

struct line {
    char memory[LINE_MAX_BYTES];
    struct hf_buf buf;
    struct hf_json_writer json; /* on buf */
};

/* Printable ASCII stands for itself; the rest becomes \xHH, so that no line can forge another or move a cursor. */
static void put_quoted(struct hf_buf *buf, hf_str value)
{
    hf_buf_put_u8(buf, '"');
    for (size_t i = 0; i < value.n; i++) {
        const uint8_t c = (uint8_t)value.p[i];
        if (c < ' ' || c > '~')
            hf_buf_putf(buf, "\\x%02x", (unsigned)c);
        else if (c == '"' || c == '\\')
            hf_buf_putf(buf, "\\%c", c);
        else
            hf_buf_put_u8(buf, c);
    }
    hf_buf_put_u8(buf, '"');
}

static bool needs_quotes(hf_str value)
{
    for (size_t i = 0; i < value.n; i++) {
        const char c = value.p[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '=')
            return true;
    }
    return value.n == 0;
}

static void put_text_str(struct hf_buf *buf, const char *key, hf_str value)
{
    hf_buf_put_u8(buf, ' ');
    hf_buf_put_c(buf, key);
    hf_buf_put_u8(buf, '=');
    if (needs_quotes(value))
        put_quoted(buf, value);
    else
        hf_buf_put_str(buf, value);
}

static void put_str(struct line *line, const char *key, hf_str value)
{
    value = hf_str_sub(value, 0, VALUE_MAX_BYTES);
    if (logger.json)
        hf_jw_member_str(&line->json, key, value);
    else
        put_text_str(&line->buf, key, value);
}

static void put_int(struct line *line, const char *key, int64_t value)
{
    if (logger.json) {
        hf_jw_member_int(&line->json, key, value);
        return;
    }
    hf_buf_put_u8(&line->buf, ' ');
    hf_buf_put_c(&line->buf, key);
    hf_buf_put_u8(&line->buf, '=');
    hf_buf_put_dec(&line->buf, value);
}

static void put_pair(struct line *line, const struct hf_kv *pair)
{
    switch (pair->kind) {
    case HF_KV_IS_STR:
        put_str(line, pair->key, pair->str);
        break;
    case HF_KV_IS_INT:
        put_int(line, pair->key, pair->number);
        break;
    case HF_KV_IS_ERR:
        put_str(line, pair->key, hf_str_from_c(hf_err_text(pair->err)));
        break;
    }
}

static void put_head(struct line *line, hf_log_level level, const char *event)
{
    char time[32];
    struct hf_buf time_buf;
    hf_buf_init_fixed(&time_buf, time, sizeof time);
    hf_buf_put_iso_time(&time_buf, hf_clock_now(&system_clock));
    if (logger.json) {
        hf_jw_begin_object(&line->json);
        hf_jw_member_str(&line->json, "time", hf_buf_str(&time_buf));
        hf_jw_member_c(&line->json, "level", level_names[level]);
        hf_jw_member_c(&line->json, "event", event);
        return;
    }
    hf_buf_put_str(&line->buf, hf_buf_str(&time_buf));
    hf_buf_put_u8(&line->buf, ' ');
    hf_buf_put_c(&line->buf, level_names[level]);
    hf_buf_put_u8(&line->buf, ' ');
    hf_buf_put_c(&line->buf, event);
}

/* False if a pair had to be left out. */
static bool put_pairs(struct line *line, const struct hf_kv *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const size_t before = line->buf.n;
        put_pair(line, &pairs[i]);
        if (line->buf.err == HF_OK)
            continue;
        line->buf.n = before;
        line->buf.err = HF_OK;
        line->json.comma = true;
        return false;
    }
    return true;
}

static void write_line(hf_log_level level, const char *event, const struct hf_kv *pairs,
                       size_t count)
{
    struct line line;
    hf_buf_init_fixed(&line.buf, line.memory, sizeof line.memory - TAIL_MAX_BYTES);
    line.json = hf_json_writer_on(&line.buf);
    put_head(&line, level, event);
    const bool complete = put_pairs(&line, pairs, count);
    line.buf.cap = line.buf.max = sizeof line.memory;
    if (!complete)
        put_str(&line, "cut", HF_LIT("yes"));
    if (logger.json)
        hf_jw_end_object(&line.json);
    hf_buf_put_u8(&line.buf, '\n');
    /* Where standard error is gone, there is nobody left to tell. */
    hf_ignore(hf_fd_write_all(STDERR_FILENO, hf_buf_view(&line.buf)));
}

void hf_log_write(hf_log_level level, const char *event, const struct hf_kv *pairs, size_t count)
{
    if (level > logger.level)
        return;
    int64_t suppressed = 0;
    (void)pthread_mutex_lock(&logger.m);
    const bool pass = hf_log_limit_pass(&logger.limit, event, hf_monotonic_now(), &suppressed);
    (void)pthread_mutex_unlock(&logger.m);
    if (!pass)
        return;
    if (suppressed > 0) {
        const struct hf_kv about[] = { HF_KV_C("of", event), HF_KV_INT("count", suppressed) };
        write_line(level, "log-lines-suppressed", about, HF_ARRAY_LEN(about));
    }
    write_line(level, event, pairs, count);
}

void hf_log_configure(hf_log_level level, bool json)
{
    logger.level = level;
    logger.json = json;
}

bool hf_log_level_parse(hf_str text, hf_log_level *out)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(level_names); i++) {
        if (hf_str_equal(text, hf_str_from_c(level_names[i]))) {
            *out = (hf_log_level)i;
            return true;
        }
    }
    return false;
}
