/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a share: written and read.
 */
#include "seal/share.h"

#include "base/buf.h"
#include "base/encode.h"
#include "crypto/crypto.h"

#include <string.h>

#define FAMILY "hfs"
#define START FAMILY "1-"
#define CHECKSUM_BYTES 4
#define CHECKSUM_TEXT_BYTES ((size_t)2 * CHECKSUM_BYTES)
#define TEXT_MAX_BYTES 1024 /* of what somebody may hand in, with blanks around it */
#define DATA_TEXT_BYTES 43  /* base64url of 32 bytes */

void seal_share_done(struct seal_share *share)
{
    hf_secret_free(share->data);
    *share = (struct seal_share){ 0 };
}

/* Appends it as text. */
static hf_err put_checksum(hf_str text, struct hf_buf *out)
{
    uint8_t digest[CRYPTO_SHA256_BYTES];
    hf_bytes bytes = hf_str_bytes(text);
    hf_err err = crypto_sha256(&bytes, 1, digest);
    if (err == HF_OK)
        hf_buf_put_hex(out, (hf_bytes){ digest, CHECKSUM_BYTES });
    hf_wipe(digest, sizeof(digest));
    return err == HF_OK ? hf_buf_err(out) : err;
}

hf_err seal_share_write(const struct seal_share *share, struct hf_secret **out_text)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf data;
    hf_buf_init_secret(&data, SEAL_SHARE_BYTES);
    hf_buf_put_secret(&data, share->data);
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init_secret(&text, SEAL_SHARE_MAX_BYTES);
    hf_buf_put_c(&text, START);
    hf_buf_put_hex(&text, (hf_bytes){ share->set, SEAL_SET_BYTES });
    hf_buf_put_c(&text, "-");
    hf_buf_put_dec(&text, share->number);
    hf_buf_put_c(&text, "-");
    hf_buf_put_base64url(&text, hf_buf_view(&data));
    HF_CLEANUP(hf_buf_done) struct hf_buf checksum;
    hf_buf_init_secret(&checksum, CHECKSUM_TEXT_BYTES);
    hf_err err = hf_buf_err(&data) != HF_OK ? hf_buf_err(&data) : hf_buf_err(&text);
    if (err == HF_OK)
        err = put_checksum(hf_buf_str(&text), &checksum);
    if (err != HF_OK)
        return err;
    hf_buf_put_c(&text, "-");
    hf_buf_put_bytes(&text, hf_buf_view(&checksum));
    err = hf_buf_err(&text);
    return err == HF_OK ? hf_secret_from_bytes(hf_buf_view(&text), out_text) : err;
}

/* ---- reading ---- */

static hf_err refuse_text(struct hf_diag *diag)
{
    return hf_fail(diag, HF_E_INVALID, "",
                   "this is not a share (hfs1-…), or it was cut or mistyped");
}

/* Cuts "-" and the checksum off the end. */
static hf_err check_checksum(hf_str *text, struct hf_diag *diag)
{
    if (text->n <= CHECKSUM_TEXT_BYTES + 1)
        return refuse_text(diag);
    const size_t n = text->n - CHECKSUM_TEXT_BYTES - 1;
    HF_CLEANUP(hf_buf_done) struct hf_buf wanted;
    hf_buf_init_secret(&wanted, CHECKSUM_TEXT_BYTES);
    const hf_str found = hf_str_sub(*text, n + 1, CHECKSUM_TEXT_BYTES);
    const bool is_set_off = text->p[n] == '-';
    text->n = n;
    hf_err err = put_checksum(*text, &wanted);
    if (err != HF_OK)
        return err;
    if (!is_set_off || !hf_equal_constant_time(hf_str_bytes(found), hf_buf_view(&wanted)))
        return refuse_text(diag);
    return HF_OK;
}

static bool parse_number(hf_str text, uint8_t *out)
{
    uint64_t number = 0;
    if (text.n == 0 || text.p[0] == '0' || !hf_str_parse_u64(text, SEAL_SHARES_MAX, &number))
        return false;
    *out = (uint8_t)number;
    return true;
}

static hf_err parse_data(hf_str text, struct hf_diag *diag, struct hf_secret **out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf data;
    hf_buf_init_secret(&data, SEAL_SHARE_BYTES);
    hf_err err = text.n == DATA_TEXT_BYTES ? hf_base64url_decode_strict(text, &data) : HF_E_INVALID;
    if (err == HF_E_NOMEM)
        return err;
    if (err != HF_OK || data.n != SEAL_SHARE_BYTES)
        return refuse_text(diag);
    return hf_secret_from_bytes(hf_buf_view(&data), out);
}

static hf_err parse_text(hf_str text, struct hf_diag *diag, struct seal_share *out)
{
    if (hf_str_starts(text, HF_LIT(FAMILY)) && !hf_str_starts(text, HF_LIT(START)) &&
        text.n > HF_LIT(START).n && hf_is_digit(text.p[HF_LIT(FAMILY).n]))
        return hf_fail(diag, HF_E_FORMAT, "", "this share is of a version that is not known");
    if (!hf_str_starts(text, HF_LIT(START)))
        return refuse_text(diag);
    hf_err err = check_checksum(&text, diag);
    if (err != HF_OK)
        return err;
    hf_str rest = hf_str_sub(text, HF_LIT(START).n, text.n);
    hf_str set = { 0 };
    hf_str number = { 0 };
    uint8_t parsed = 0;
    if (!hf_str_next(&rest, '-', &set) || !hf_str_next(&rest, '-', &number) || rest.p == NULL ||
        hf_hex_decode(set, out->set, SEAL_SET_BYTES) != HF_OK || !parse_number(number, &parsed))
        return refuse_text(diag);
    out->number = parsed;
    return parse_data(rest, diag, &out->data);
}

hf_err seal_share_parse(const struct hf_secret *text, struct hf_diag *diag, struct seal_share *out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf copy;
    hf_buf_init_secret(&copy, TEXT_MAX_BYTES);
    if (hf_secret_size(text) > TEXT_MAX_BYTES)
        return refuse_text(diag);
    hf_buf_put_secret(&copy, text);
    if (hf_buf_err(&copy) != HF_OK)
        return hf_buf_err(&copy);
    HF_CLEANUP(seal_share_done) struct seal_share share = { 0 };
    hf_err err = parse_text(hf_str_trim(hf_buf_str(&copy)), diag, &share);
    if (err != HF_OK)
        return err;
    *out = share;
    share.data = NULL;
    return HF_OK;
}

hf_err seal_share_read_info(const struct hf_secret *text, struct hf_diag *diag,
                            struct seal_share_info *out)
{
    HF_CLEANUP(seal_share_done) struct seal_share share = { 0 };
    hf_err err = seal_share_parse(text, diag, &share);
    if (err != HF_OK)
        return err;
    struct hf_buf set;
    hf_buf_init_fixed(&set, out->set, SEAL_SHARE_SET_BYTES);
    hf_buf_put_hex(&set, (hf_bytes){ share.set, SEAL_SET_BYTES });
    out->set[SEAL_SHARE_SET_BYTES] = '\0';
    out->number = share.number;
    return hf_buf_err(&set);
}
