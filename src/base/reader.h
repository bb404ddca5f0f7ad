/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded cursor over bytes. After the first failure every read yields zero or an empty view; hf_reader_finish()
 * reports it once, and refuses trailing bytes.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

struct hf_reader {
    const uint8_t *p; /* next byte; p <= end */
    const uint8_t *end;
    hf_err err;
};

struct hf_reader hf_reader_of(hf_bytes bytes);
uint8_t hf_read_u8(struct hf_reader *reader);
uint16_t hf_read_u16(struct hf_reader *reader);
uint32_t hf_read_u32(struct hf_reader *reader);
uint64_t hf_read_u64(struct hf_reader *reader);
int64_t hf_read_i64(struct hf_reader *reader);

/* n bytes as a view into the input. */
hf_bytes hf_read_bytes(struct hf_reader *reader, size_t n);
void hf_read_into(struct hf_reader *reader, void *out, size_t n); /* zeroes out on failure */

/* Length-prefixed field; HF_E_TOO_LARGE above max. */
hf_bytes hf_read_field16(struct hf_reader *reader, size_t max);
hf_bytes hf_read_field32(struct hf_reader *reader, size_t max);

static inline size_t hf_reader_left(const struct hf_reader *reader)
{
    return (size_t)(reader->end - reader->p);
}

/* The sticky error; HF_E_TRAILING if bytes are left. */
HF_MUST hf_err hf_reader_finish(const struct hf_reader *reader);
