/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON into a buffer. Strings are copied in runs of bytes that need no escape. */
#include "base/json.h"

#include "base/assert.h"
#include "base/encode.h"

#include <string.h>

#define LANES UINT64_C(0x0101010101010101)
#define LANE_TOPS UINT64_C(0x8080808080808080)

struct hf_json_writer hf_json_writer_on(struct hf_buf *buf)
{
    return (struct hf_json_writer){ .buf = buf };
}

static void put_comma(struct hf_json_writer *w)
{
    if (w->comma)
        hf_buf_put_u8(w->buf, ',');
    w->comma = true;
}

static void begin(struct hf_json_writer *w, char bracket)
{
    put_comma(w);
    hf_buf_put_u8(w->buf, (uint8_t)bracket);
    w->comma = false;
}

static void end(struct hf_json_writer *w, char bracket)
{
    hf_buf_put_u8(w->buf, (uint8_t)bracket);
    w->comma = true;
}

void hf_jw_begin_object(struct hf_json_writer *w)
{
    begin(w, '{');
}

void hf_jw_end_object(struct hf_json_writer *w)
{
    end(w, '}');
}

void hf_jw_begin_array(struct hf_json_writer *w)
{
    begin(w, '[');
}

void hf_jw_end_array(struct hf_json_writer *w)
{
    end(w, ']');
}

/* A bit in the top of each lane that is below `low`; exact for lanes below 0x80. */
static uint64_t lanes_below(uint64_t word, uint8_t low)
{
    return (word - LANES * low) & ~word & LANE_TOPS;
}

/* True if all eight bytes are plain: ASCII, no control character, no quote, no backslash. */
static bool is_plain_word(const char *p)
{
    uint64_t word = 0;
    memcpy(&word, p, sizeof word);
    const uint64_t special = word | lanes_below(word, ' ') | lanes_below(word ^ LANES * '"', 1) |
                             lanes_below(word ^ LANES * '\\', 1);
    return (special & LANE_TOPS) == 0;
}

/* The same of sixteen bytes: what a processor's vector holds. */
typedef uint8_t plain_vector __attribute__((vector_size(16)));
static bool is_plain_vector(const char *p)
{
    plain_vector v;
    memcpy(&v, p, sizeof v);
    const plain_vector special = (plain_vector)((v < ' ') | (v >= 0x80) | (v == '"') | (v == '\\'));
    uint64_t halves[2];
    memcpy(halves, &special, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

static bool is_plain(char c)
{
    return (uint8_t)c >= ' ' && (uint8_t)c < 0x80 && c != '"' && c != '\\';
}

/* How many bytes at the start can be copied as they are. */
static size_t plain_run(hf_str text)
{
    size_t n = 0;
    for (;;) {
        while (text.n - n >= sizeof(plain_vector) && is_plain_vector(text.p + n))
            n += sizeof(plain_vector);
        if (text.n - n >= sizeof(uint64_t) && is_plain_word(text.p + n))
            n += sizeof(uint64_t);
        while (n < text.n && is_plain(text.p[n]))
            n++;
        if (n == text.n || (uint8_t)text.p[n] < 0x80)
            return n;
        const size_t sequence = hf_utf8_sequence(hf_str_sub(text, n, text.n));
        if (sequence == 0)
            return n;
        n += sequence;
    }
}

static void put_escaped(struct hf_buf *buf, char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    const uint8_t byte = (uint8_t)c;
    if (byte >= 0x80) {
        hf_buf_put_c(buf, "\xef\xbf\xbd"); /* U+FFFD */
        return;
    }
    const char *known = memchr(from, c, sizeof from - 1);
    if (known != NULL) {
        const char escape[] = { '\\', to[known - from] };
        hf_buf_put(buf, escape, sizeof escape);
        return;
    }
    const char escape[] = { '\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 0xf] };
    hf_buf_put(buf, escape, sizeof escape);
}

/* A text with something to escape behind its first `run` bytes. */
static void put_escaping(struct hf_buf *buf, hf_str text, size_t run)
{
    hf_buf_put_u8(buf, '"');
    for (;; run = plain_run(text)) {
        hf_buf_put(buf, text.p, run);
        if (run == text.n)
            break;
        put_escaped(buf, text.p[run]);
        text = hf_str_sub(text, run + 1, text.n);
    }
    hf_buf_put_u8(buf, '"');
}

/* Most texts need no escape: they are copied at once. */
static void put_quoted(struct hf_buf *buf, hf_str text)
{
    const size_t run = plain_run(text);
    if (run != text.n) {
        put_escaping(buf, text, run);
        return;
    }
    uint8_t *p = hf_buf_reserve(buf, text.n + sizeof("\"\"") - 1);
    if (p == NULL)
        return;
    p[0] = '"';
    if (text.n > 0)
        memcpy(p + 1, text.p, text.n);
    p[text.n + 1] = '"';
    hf_buf_commit(buf, text.n + sizeof("\"\"") - 1);
}

void hf_jw_key(struct hf_json_writer *w, const char *name)
{
    const size_t n = strlen(name);
    uint8_t *p = hf_buf_reserve(w->buf, n + sizeof("\"\":") - 1 + (w->comma ? 1 : 0));
    if (p == NULL)
        return;
    size_t at = 0;
    if (w->comma)
        p[at++] = ',';
    p[at++] = '"';
    memcpy(p + at, name, n);
    at += n;
    p[at++] = '"';
    p[at++] = ':';
    hf_buf_commit(w->buf, at);
    w->comma = false;
}

void hf_jw_key_str(struct hf_json_writer *w, hf_str name)
{
    put_comma(w);
    put_quoted(w->buf, name);
    hf_buf_put_u8(w->buf, ':');
    w->comma = false;
}

void hf_jw_str(struct hf_json_writer *w, hf_str value)
{
    put_comma(w);
    put_quoted(w->buf, value);
}

void hf_jw_int(struct hf_json_writer *w, int64_t value)
{
    put_comma(w);
    hf_buf_put_dec(w->buf, value);
}

void hf_jw_bool(struct hf_json_writer *w, bool value)
{
    put_comma(w);
    hf_buf_put_c(w->buf, value ? "true" : "false");
}

void hf_jw_null(struct hf_json_writer *w)
{
    put_comma(w);
    hf_buf_put_c(w->buf, "null");
}

void hf_jw_raw(struct hf_json_writer *w, hf_str json)
{
    put_comma(w);
    hf_buf_put_str(w->buf, json);
}

void hf_jw_secret(struct hf_json_writer *w, const struct hf_secret *text)
{
    HF_ASSERT(w->buf->secret);
    hf_jw_str(w, hf_bytes_str(hf_secret_view(text)));
}

void hf_jw_member_str(struct hf_json_writer *w, const char *name, hf_str value)
{
    hf_jw_key(w, name);
    hf_jw_str(w, value);
}

void hf_jw_member_c(struct hf_json_writer *w, const char *name, const char *value)
{
    hf_jw_member_str(w, name, hf_str_from_c(value));
}

void hf_jw_member_int(struct hf_json_writer *w, const char *name, int64_t value)
{
    hf_jw_key(w, name);
    hf_jw_int(w, value);
}

void hf_jw_member_bool(struct hf_json_writer *w, const char *name, bool value)
{
    hf_jw_key(w, name);
    hf_jw_bool(w, value);
}
