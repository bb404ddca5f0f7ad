/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shamir kind: the KEK is split into shares, of which so many are needed (Shamir, 1979; over GF(256), byte by byte, by
 * libgfshare). Parameters: set (4) || number of shares (u8) || threshold (u8).
 */
#include "seal/kind.h"

#include "base/encode.h"
#include "base/reader.h"
#include "crypto/crypto.h"
#include "seal/share.h"

#include <libgfshare.h>
#include <string.h>

#define RESULT_WRONG                                                                               \
    "the shares are well-formed and of this seal, but one of them is not what was given out"

_Static_assert(SEAL_SHARE_BYTES == SEAL_KEK_BYTES, "a share is as long as what was split");

struct shamir_parameters {
    uint8_t set[SEAL_SET_BYTES];
    uint8_t shares;
    uint8_t threshold;
};

/* ---- the library ---- */

/* The library's hook can neither fail nor carry a context. */
static bool has_random_failed;

static void fill_random(unsigned char *out, unsigned int n)
{
    if (crypto_random(out, n) != HF_OK)
        has_random_failed = true;
}

HF_DEFINE_FREEP(gfshare_ctx, gfshare_ctx_free)

/* Needs the hook also for freeing: it overwrites with it what it held. */
static void hook_random(void)
{
    gfshare_fill_rand = fill_random;
    has_random_failed = false;
}

/* Splits kek (SEAL_KEK_BYTES) into `parameters->shares` rows of SEAL_SHARE_BYTES; row i is share i + 1. */
static hf_err split(uint8_t *kek, const struct shamir_parameters *parameters, uint8_t *rows)
{
    uint8_t numbers[SEAL_SHARES_MAX];
    for (size_t i = 0; i < parameters->shares; i++)
        numbers[i] = (uint8_t)(i + 1);
    hook_random();
    HF_CLEANUP(gfshare_ctx_freep)
    gfshare_ctx *context = gfshare_ctx_init_enc(numbers, parameters->shares, parameters->threshold,
                                                SEAL_KEK_BYTES);
    if (context == NULL)
        return HF_E_NOMEM;
    gfshare_ctx_enc_setsecret(context, kek);
    if (has_random_failed)
        return HF_E_INTERNAL;
    for (size_t i = 0; i < parameters->shares; i++)
        gfshare_ctx_enc_getshare(context, (uint8_t)i, rows + i * SEAL_SHARE_BYTES);
    return HF_OK;
}

/* The reverse from `count` rows whose share numbers are given. */
static hf_err combine(uint8_t *numbers, uint8_t *rows, size_t count, struct hf_secret **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *kek = NULL;
    hf_err err = hf_secret_new(SEAL_KEK_BYTES, &kek);
    if (err != HF_OK)
        return err;
    hook_random();
    HF_CLEANUP(gfshare_ctx_freep)
    gfshare_ctx *context = gfshare_ctx_init_dec(numbers, (unsigned int)count, SEAL_KEK_BYTES);
    if (context == NULL)
        return HF_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        gfshare_ctx_dec_giveshare(context, (uint8_t)i, rows + i * SEAL_SHARE_BYTES);
    gfshare_ctx_dec_extract(context, hf_secret_edit(kek));
    *out = hf_take(&kek);
    return HF_OK;
}

/* ---- parameters ---- */

static bool is_scheme(uint32_t shares, uint32_t threshold)
{
    return shares >= 1 && shares <= SEAL_SHARES_MAX && threshold >= 1 && threshold <= shares &&
           (shares == 1 || threshold >= 2);
}

static hf_err parse(hf_bytes parameters, struct hf_diag *diag, struct shamir_parameters *out)
{
    struct hf_reader reader = hf_reader_of(parameters);
    struct shamir_parameters read = { 0 };
    hf_read_into(&reader, read.set, SEAL_SET_BYTES);
    read.shares = hf_read_u8(&reader);
    read.threshold = hf_read_u8(&reader);
    if (hf_reader_finish(&reader) != HF_OK || !is_scheme(read.shares, read.threshold))
        return hf_fail(diag, HF_E_CORRUPT, "", "the seal's numbers of shares are not usable");
    *out = read;
    return HF_OK;
}

static hf_err describe_shamir(hf_bytes parameters, struct hf_diag *diag, struct seal_info *info)
{
    struct shamir_parameters parsed = { 0 };
    hf_err err = parse(parameters, diag, &parsed);
    if (err != HF_OK)
        return err;
    info->shares = parsed.shares;
    info->threshold = parsed.threshold;
    struct hf_buf set;
    hf_buf_init_fixed(&set, info->share_set, SEAL_SHARE_SET_BYTES);
    hf_buf_put_hex(&set, (hf_bytes){ parsed.set, SEAL_SET_BYTES });
    return hf_buf_err(&set);
}

/* ---- making ---- */

static hf_err read_scheme(const struct seal_config *config, struct hf_diag *diag,
                          struct shamir_parameters *out)
{
    if (config->shares == 0 || config->shares > SEAL_SHARES_MAX)
        return hf_fail(diag, HF_E_INVALID, "seal.shares", "must be 1 to %d", SEAL_SHARES_MAX);
    if (!is_scheme(config->shares, config->threshold))
        return hf_fail(
            diag, HF_E_INVALID, "seal.threshold",
            "must be at most the number of shares, and at least 2 if there are more than "
            "one");
    out->shares = (uint8_t)config->shares;
    out->threshold = (uint8_t)config->threshold;
    return crypto_random(out->set, SEAL_SET_BYTES);
}

/* The last shares give the KEK back: what people are given will open. */
static hf_err prove_rows(const struct shamir_parameters *parameters, uint8_t *rows, hf_bytes kek)
{
    uint8_t numbers[SEAL_SHARES_MAX];
    const size_t first = (size_t)parameters->shares - parameters->threshold;
    for (size_t i = 0; i < parameters->threshold; i++)
        numbers[i] = (uint8_t)(first + i + 1);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *combined = NULL;
    hf_err err = combine(numbers, rows + first * SEAL_SHARE_BYTES, parameters->threshold,
                         &combined);
    if (err != HF_OK)
        return err;
    return hf_secret_equal(combined, kek) ? HF_OK : HF_E_INTERNAL;
}

static hf_err give_row(const struct seal_people *people, const struct shamir_parameters *parameters,
                       size_t index, const uint8_t *row)
{
    HF_CLEANUP(seal_share_done) struct seal_share share = { .number = (uint8_t)(index + 1) };
    memcpy(share.set, parameters->set, SEAL_SET_BYTES);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *text = NULL;
    hf_err err = hf_secret_from_bytes((hf_bytes){ row, SEAL_SHARE_BYTES }, &share.data);
    if (err == HF_OK)
        err = seal_share_write(&share, &text);
    if (err != HF_OK)
        return err;
    return people->give_share(people->context, index, parameters->shares, text);
}

static hf_err give_rows(const struct seal_people *people,
                        const struct shamir_parameters *parameters, const uint8_t *rows,
                        struct hf_diag *diag)
{
    for (size_t i = 0; i < parameters->shares; i++) {
        hf_err err = give_row(people, parameters, i, rows + i * SEAL_SHARE_BYTES);
        if (err != HF_OK)
            return hf_fail(diag, err, "", "share %zu of %u could not be given out: %s", i + 1,
                           (unsigned int)parameters->shares, hf_err_text(err));
    }
    return HF_OK;
}

static hf_err make_shamir(const struct seal_config *config, const struct seal_people *people,
                          struct hf_diag *diag, struct hf_buf *parameters, struct hf_secret **kek)
{
    if (people == NULL || people->give_share == NULL)
        return hf_fail(diag, HF_E_UNAVAILABLE, "", "nobody is there to take the shares");
    struct shamir_parameters scheme = { 0 };
    hf_err err = read_scheme(config, diag, &scheme);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *key = NULL;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *rows = NULL;
    err = crypto_random_secret(SEAL_KEK_BYTES, &key);
    if (err == HF_OK)
        err = hf_secret_new((size_t)scheme.shares * SEAL_SHARE_BYTES, &rows);
    if (err == HF_OK)
        err = split(hf_secret_edit(key), &scheme, hf_secret_edit(rows));
    if (err == HF_OK)
        err = prove_rows(&scheme, hf_secret_edit(rows),
                         (hf_bytes){ hf_secret_edit(key), SEAL_KEK_BYTES });
    if (err == HF_OK)
        err = give_rows(people, &scheme, hf_secret_edit(rows), diag);
    if (err != HF_OK)
        return err;
    hf_buf_put(parameters, scheme.set, SEAL_SET_BYTES);
    hf_buf_put_u8(parameters, scheme.shares);
    hf_buf_put_u8(parameters, scheme.threshold);
    *kek = hf_take(&key);
    return hf_buf_err(parameters);
}

/* ---- opening ---- */

/* A share that somebody handed in, compared with the seal and with those before it. */
static hf_err check_share(const struct seal_share *share,
                          const struct shamir_parameters *parameters, const uint8_t *numbers,
                          size_t count, struct hf_diag *diag)
{
    if (!hf_bytes_equal((hf_bytes){ share->set, SEAL_SET_BYTES },
                        (hf_bytes){ parameters->set, SEAL_SET_BYTES }))
        return hf_fail(diag, HF_E_FORBIDDEN, "",
                       "the share is of another seal, or of an older set");
    if (share->number > parameters->shares)
        return hf_fail(diag, HF_E_FORBIDDEN, "", "share %u: the seal has only %u",
                       (unsigned int)share->number, (unsigned int)parameters->shares);
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] == share->number)
            return hf_fail(diag, HF_E_INVALID, "", "share %u was given already",
                           (unsigned int)share->number);
    }
    return HF_OK;
}

static hf_err ask_share(const struct seal_people *people,
                        const struct shamir_parameters *parameters, size_t index, uint8_t *numbers,
                        uint8_t *row, struct hf_diag *diag)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *text = NULL;
    HF_CLEANUP(seal_share_done) struct seal_share share = { 0 };
    struct hf_diag asking = { 0 };
    hf_err err = seal_ask(people, SEAL_ASK_SHARE, index, &asking, &text);
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s (%u needed)", asking.text,
                       (unsigned int)parameters->threshold);
    err = seal_share_parse(text, diag, &share);
    if (err == HF_OK)
        err = check_share(&share, parameters, numbers, index, diag);
    if (err != HF_OK)
        return err;
    numbers[index] = share.number;
    memcpy(row, hf_secret_edit(share.data), SEAL_SHARE_BYTES);
    return HF_OK;
}

static hf_err open_shamir(const struct seal_config *config HF_UNUSED,
                          const struct seal_people *people, hf_bytes parameters,
                          struct hf_diag *diag, struct hf_secret **kek)
{
    struct shamir_parameters scheme = { 0 };
    hf_err err = parse(parameters, diag, &scheme);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *rows = NULL;
    if (err == HF_OK)
        err = hf_secret_new((size_t)scheme.threshold * SEAL_SHARE_BYTES, &rows);
    uint8_t numbers[SEAL_SHARES_MAX] = { 0 };
    for (size_t i = 0; i < scheme.threshold && err == HF_OK; i++)
        err = ask_share(people, &scheme, i, numbers, hf_secret_edit(rows) + i * SEAL_SHARE_BYTES,
                        diag);
    return err == HF_OK ? combine(numbers, hf_secret_edit(rows), scheme.threshold, kek) : err;
}

const struct seal_kind seal_shamir = {
    .name = "shamir",
    .asks_people = true,
    .make = make_shamir,
    .open = open_shamir,
    .describe = describe_shamir,
    .wrong = RESULT_WRONG,
};
