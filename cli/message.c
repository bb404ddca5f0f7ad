/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages for people, and exit codes for programs.
 */
#include "cli/message.h"

#include <stdarg.h>

#define MESSAGE_MAX_BYTES 2048

/* The second byte of U+0080 to U+009F, which some terminals obey like ESC sequences. */
static bool is_c1(hf_str text, size_t at)
{
    return (uint8_t)text.p[at] == 0xC2 && at + 1 < text.n && (uint8_t)text.p[at + 1] < 0xA0;
}

void cli_put_clean(struct hf_buf *out, hf_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        const uint8_t byte = (uint8_t)text.p[i];
        if (is_c1(text, i)) {
            hf_buf_put_u8(out, '?');
            i++;
        } else if (byte == '\n' || byte == '\t') {
            hf_buf_put_u8(out, ' ');
        } else if (byte != '\r') {
            hf_buf_put_u8(out, byte < ' ' || byte == 0x7F ? '?' : byte);
        }
    }
}

static void say(const char *format, va_list arguments) HF_PRINTF(1, 0);
static void say(const char *format, va_list arguments)
{
    char text[MESSAGE_MAX_BYTES];
    char clean_memory[MESSAGE_MAX_BYTES];
    if (vsnprintf(text, sizeof(text), format, arguments) < 0)
        text[0] = '\0';
    struct hf_buf clean;
    hf_buf_init_fixed(&clean, clean_memory, sizeof(clean_memory));
    cli_put_clean(&clean, hf_str_from_c(text));
    (void)fprintf(stderr, "holdfast: %.*s\n", HF_STR_ARG(hf_buf_str(&clean)));
}

int cli_fail(enum cli_exit code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return (int)code;
}

void cli_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

/* An untrusted certificate is HF_E_UNAUTHENTICATED of the client: nobody was reached. */
enum cli_exit cli_exit_of_err(hf_err err)
{
    switch (hf_err_class_of(err)) {
    case HF_CLASS_OK:
        return CLI_OK;
    case HF_CLASS_UNAUTHENTICATED:
    case HF_CLASS_THROTTLED:
    case HF_CLASS_UNAVAILABLE:
        return CLI_UNREACHABLE;
    case HF_CLASS_NOT_FOUND:
        return CLI_NOT_FOUND;
    case HF_CLASS_CONFLICT:
        return CLI_CONFLICT;
    case HF_CLASS_FORBIDDEN:
        return CLI_DENIED;
    case HF_CLASS_INVALID:
    case HF_CLASS_TOO_LARGE:
    case HF_CLASS_UNSUPPORTED:
    case HF_CLASS_CORRUPT:
    case HF_CLASS_INTERNAL:
        return CLI_FAILED;
    }
    return CLI_FAILED;
}

enum cli_exit cli_exit_of_status(int http_status)
{
    static const struct {
        int status;
        enum cli_exit code;
    } rows[] = {
        { 401, CLI_DENIED },      { 403, CLI_DENIED },      { 404, CLI_NOT_FOUND },
        { 409, CLI_CONFLICT },    { 421, CLI_NOT_FOUND },   { 429, CLI_UNREACHABLE },
        { 502, CLI_UNREACHABLE }, { 503, CLI_UNREACHABLE }, { 504, CLI_UNREACHABLE },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
        if (rows[i].status == http_status)
            return rows[i].code;
    }
    return http_status >= 200 && http_status < 300 ? CLI_OK : CLI_FAILED;
}
