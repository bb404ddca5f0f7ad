/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured logging: one event, one line, on standard error. Text from outside is escaped. Repeated lines of one event
 * are limited per second and counted. Secrets have no way in: only the kinds below exist.
 *
 *   error   someone must act            warn    degraded, continuing (the text says how)
 *   notice  the service changed state   info    rare facts            debug   anything but secrets
 *
 * Layers up to vault do not log above debug: they return.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

typedef enum hf_log_level {
    HF_LOG_ERROR,
    HF_LOG_WARN,
    HF_LOG_NOTICE,
    HF_LOG_INFO,
    HF_LOG_DEBUG,
} hf_log_level;

struct hf_kv {
    const char *key;
    enum { HF_KV_IS_STR, HF_KV_IS_INT, HF_KV_IS_ERR } kind;
    hf_str str;
    int64_t number;
    hf_err err;
};

#define HF_KV_STR(name, value)                                                                     \
    ((struct hf_kv){ .key = (name), .kind = HF_KV_IS_STR, .str = (value) })
#define HF_KV_C(name, value) HF_KV_STR(name, hf_str_from_c(value))
#define HF_KV_INT(name, value)                                                                     \
    ((struct hf_kv){ .key = (name), .kind = HF_KV_IS_INT, .number = (value) })
#define HF_KV_ERR(value) ((struct hf_kv){ .key = "error", .kind = HF_KV_IS_ERR, .err = (value) })

/* hf_log(HF_LOG_WARN, "event-name", HF_KV_STR("endpoint", name), HF_KV_ERR(err)); at least one pair. */
#define hf_log(level, event, ...)                                                                  \
    hf_log_write((level), (event), (const struct hf_kv[]){ __VA_ARGS__ },                          \
                 sizeof((const struct hf_kv[]){ __VA_ARGS__ }) / sizeof(struct hf_kv))

void hf_log_write(hf_log_level level, const char *event, const struct hf_kv *pairs, size_t count);

/* Before threads start. json: one JSON object a line instead of key=value text. */
void hf_log_configure(hf_log_level level, bool json);
HF_MUST bool hf_log_level_parse(hf_str text, hf_log_level *out);
