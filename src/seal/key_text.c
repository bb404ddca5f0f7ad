/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a key file or credential: 32 random bytes in two lines.
 *
 *   holdfast-key-file-v1
 *   <base64url of the 32 bytes>
 */
#include "seal/kind.h"

#include "base/encode.h"
#include "crypto/crypto.h"

#define KEY_TEXT_FAMILY "holdfast-key-file-v"
#define KEY_TEXT_HEADER KEY_TEXT_FAMILY "1\n"

static hf_err parse_key(hf_str text, struct hf_secret **out)
{
    if (!hf_str_starts(text, HF_LIT(KEY_TEXT_HEADER)))
        return hf_str_starts(text, HF_LIT(KEY_TEXT_FAMILY)) ? HF_E_FORMAT : HF_E_CORRUPT;
    hf_str line = hf_str_sub(text, HF_LIT(KEY_TEXT_HEADER).n, text.n);
    if (hf_str_ends(line, HF_LIT("\n")))
        line.n--;
    HF_CLEANUP(hf_buf_done) struct hf_buf key;
    hf_buf_init_secret(&key, SEAL_KEY_TEXT_MAX_BYTES);
    hf_err err = hf_base64url_decode_strict(line, &key);
    if (err == HF_E_NOMEM)
        return err;
    if (err != HF_OK || key.n != SEAL_KEK_BYTES)
        return HF_E_CORRUPT;
    return hf_secret_from_bytes(hf_buf_view(&key), out);
}

hf_err seal_read_key_text(const char *path, unsigned int modes, struct hf_diag *diag,
                          struct hf_secret **out)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init_secret(&text, SEAL_KEY_TEXT_MAX_BYTES);
    hf_err err = seal_read_private(path, modes, diag, &text);
    if (err == HF_E_NOT_FOUND)
        return err;
    if (err == HF_OK)
        err = parse_key(hf_buf_str(&text), out);
    if (err == HF_E_TOO_LARGE)
        err = HF_E_CORRUPT;
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: is not a key file that can be used", path);
    return HF_OK;
}

hf_err seal_make_key_text(struct hf_buf *out)
{
    HF_CLEAN_SECRET(key, SEAL_KEK_BYTES);
    hf_err err = crypto_random(key, sizeof(key));
    if (err != HF_OK)
        return err;
    hf_buf_put_c(out, KEY_TEXT_HEADER);
    hf_buf_put_base64url(out, (hf_bytes){ key, sizeof(key) });
    hf_buf_put_c(out, "\n");
    return hf_buf_err(out);
}
