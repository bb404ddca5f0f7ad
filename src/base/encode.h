/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text encodings: base64url and base64 (RFC 4648), hexadecimal, percent-encoding (RFC 3986), UTF-8 (RFC 3629) and UUIDs
 * (RFC 9562). Decoders are strict except where a rule's source says otherwise.
 */
#pragma once

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

struct hf_uuid {
    uint8_t b[16];
};

#define HF_UUID_TEXT_BYTES 36
#define HF_UUID_HEX_BYTES 32

/* Lower case with hyphens, terminated. */
void hf_uuid_format(const struct hf_uuid *uuid, char out[HF_UUID_TEXT_BYTES + 1]);
/* 32 lower-case hexadecimal digits, terminated: the form of an object version. */
void hf_uuid_format_hex(const struct hf_uuid *uuid, char out[HF_UUID_HEX_BYTES + 1]);
/* 8-4-4-4-12 with hyphens, either case. Fails: HF_E_INVALID. */
HF_MUST hf_err hf_uuid_parse(hf_str text, struct hf_uuid *out);
/* 32 hexadecimal digits, either case. */
HF_MUST hf_err hf_uuid_parse_hex(hf_str text, struct hf_uuid *out);
bool hf_uuid_equal(const struct hf_uuid *a, const struct hf_uuid *b);

size_t hf_base64url_size(size_t n); /* characters for n bytes, without padding */
void hf_buf_put_base64url(struct hf_buf *buf, hf_bytes bytes);
void hf_buf_put_base64(struct hf_buf *buf, hf_bytes bytes); /* standard alphabet, padded */
void hf_buf_put_hex(struct hf_buf *buf, hf_bytes bytes);    /* lower case */

/*
 * Appends the decoded bytes. Accepts base64url and the ordinary alphabet, with or without padding (Key Vault accepts all of
 * these on input); refuses other characters, wrong padding, and non-zero unused bits. buf is unchanged on HF_E_INVALID.
 */
HF_MUST hf_err hf_base64_decode(hf_str text, struct hf_buf *out);
/* base64url without padding only: JWS (RFC 7515 §2). */
HF_MUST hf_err hf_base64url_decode_strict(hf_str text, struct hf_buf *out);
/* exactly out_size bytes */
HF_MUST hf_err hf_hex_decode(hf_str text, uint8_t *out, size_t out_size);

/* %XX decoded ('+' stays '+', or becomes a space when form is true). Refuses a bad escape and an encoded NUL. */
HF_MUST hf_err hf_percent_decode(hf_str text, bool form, struct hf_buf *out);
/* Everything but RFC 3986 unreserved characters is escaped. */
void hf_buf_put_percent(struct hf_buf *buf, hf_str text);

/* Well-formed UTF-8, without surrogates and overlong forms. */
bool hf_utf8_valid(hf_str text);
/* Bytes of the well-formed sequence at the text's start (1 to 4); 0 if there is none. */
size_t hf_utf8_sequence(hf_str text);
/* Number of UTF-16 code units, as .NET (and so Key Vault) counts string length. text must be valid UTF-8. */
size_t hf_utf8_utf16_units(hf_str text);
