/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded cursor: every read goes through hf_read_bytes(), which is the only place that moves it. */
#include "base/reader.h"

#include <string.h>

struct hf_reader hf_reader_of(hf_bytes bytes)
{
    static const uint8_t nothing[1];
    const uint8_t *start = bytes.p == NULL ? nothing : bytes.p;
    return (struct hf_reader){ .p = start, .end = start + bytes.n };
}

static void fail(struct hf_reader *reader, hf_err err)
{
    if (reader->err == HF_OK)
        reader->err = err;
}

hf_bytes hf_read_bytes(struct hf_reader *reader, size_t n)
{
    if (n > hf_reader_left(reader))
        fail(reader, HF_E_TRUNCATED);
    if (reader->err != HF_OK)
        return (hf_bytes){ NULL, 0 };
    const hf_bytes bytes = { reader->p, n };
    reader->p += n;
    return bytes;
}

static uint64_t read_big_endian(struct hf_reader *reader, size_t size)
{
    const hf_bytes bytes = hf_read_bytes(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.n; i++)
        value = value << 8 | bytes.p[i];
    return value;
}

uint8_t hf_read_u8(struct hf_reader *reader)
{
    return (uint8_t)read_big_endian(reader, sizeof(uint8_t));
}

uint16_t hf_read_u16(struct hf_reader *reader)
{
    return (uint16_t)read_big_endian(reader, sizeof(uint16_t));
}

uint32_t hf_read_u32(struct hf_reader *reader)
{
    return (uint32_t)read_big_endian(reader, sizeof(uint32_t));
}

uint64_t hf_read_u64(struct hf_reader *reader)
{
    return read_big_endian(reader, sizeof(uint64_t));
}

int64_t hf_read_i64(struct hf_reader *reader)
{
    return (int64_t)hf_read_u64(reader);
}

void hf_read_into(struct hf_reader *reader, void *out, size_t n)
{
    if (n == 0)
        return;
    const hf_bytes bytes = hf_read_bytes(reader, n);
    if (bytes.p == NULL)
        memset(out, 0, n);
    else
        memcpy(out, bytes.p, n);
}

static hf_bytes read_field(struct hf_reader *reader, size_t n, size_t max)
{
    if (n > max)
        fail(reader, HF_E_TOO_LARGE);
    return hf_read_bytes(reader, n);
}

hf_bytes hf_read_field16(struct hf_reader *reader, size_t max)
{
    return read_field(reader, hf_read_u16(reader), max);
}

hf_bytes hf_read_field32(struct hf_reader *reader, size_t max)
{
    return read_field(reader, hf_read_u32(reader), max);
}

hf_err hf_reader_finish(const struct hf_reader *reader)
{
    if (reader->err != HF_OK)
        return reader->err;
    return hf_reader_left(reader) == 0 ? HF_OK : HF_E_TRAILING;
}
