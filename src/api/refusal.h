/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that get no record of their own: counted by cause, and recorded as sums (see
 * server/maintenance.c), so that what strangers send cannot fill the disk. And the short answers to
 * those that are refused before anything is done for them.
 */
#pragma once

#include "audit/audit.h"
#include "base/bytes.h"
#include "http/http.h"

#include <stdatomic.h>

enum api_refusal {
    API_REFUSED_OVERLOAD,   /* 503: the loop, the writer or the pool is behind */
    API_REFUSED_QUOTA,      /* 429: of a principal or a vault */
    API_REFUSED_AUDIT,      /* 503: the audit log takes no records */
    API_REFUSED_INCOMPLETE, /* 400, 408, 414, 431: no head that could be recorded */
    API_REFUSED_STRANGER, /* answered, but above what callers without a valid token may have recorded */
    API_REFUSALS_,
};

/* Counted since start. Threads: any. */
struct api_refusals {
    atomic_uint_fast64_t counts[API_REFUSALS_];
};

void api_refusals_count(struct api_refusals *refusals, enum api_refusal cause);
uint64_t api_refusals_of(const struct api_refusals *refusals, enum api_refusal cause);
/* The record of `count` refusals of that cause between two moments; text is room for its views. */
#define API_REFUSAL_TEXT_BYTES 64
void api_refusals_record(enum api_refusal cause, uint64_t count, hf_usec now,
                         char text[API_REFUSAL_TEXT_BYTES], struct audit_record *out);

/* Answers 503 with Retry-After, in the form of Azure's vaults or, if is_login, of Entra. message is
 * plain text without quotes. Nothing is allocated. */
void api_refuse(struct http_exchange *exchange, bool is_login, const char *message);
