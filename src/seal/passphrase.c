/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passphrase kind: the KEK is Argon2id of what somebody knows. Parameters:
 *
 *   salt (16) || memory in KiB (u32) || passes (u32) || lanes (u32)
 */
#include "seal/kind.h"

#include "base/encode.h"
#include "base/reader.h"
#include "crypto/crypto.h"

#include <string.h>

#define SALT_BYTES 16
/* RFC 9106 §4, second recommended option */
#define DEFAULT_MEMORY_KIB (64U * 1024)
#define DEFAULT_PASSES 3
#define DEFAULT_LANES 4
#define MEMORY_KIB_PER_LANE 8

struct passphrase_parameters {
    hf_bytes salt;
    struct crypto_argon2id_cost cost;
};

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

/* The setting that is out of its bounds, or NULL. */
static const char *find_wrong_cost(const struct crypto_argon2id_cost *cost)
{
    if (cost->lanes == 0 || cost->lanes > SEAL_ARGON2_LANES_MAX)
        return "seal.argon2_lanes";
    if (cost->passes == 0 || cost->passes > SEAL_ARGON2_PASSES_MAX)
        return "seal.argon2_passes";
    if (cost->memory_kib < MEMORY_KIB_PER_LANE * cost->lanes ||
        cost->memory_kib > SEAL_ARGON2_MEMORY_MAX_KIB)
        return "seal.argon2_memory";
    return NULL;
}

static hf_err parse(hf_bytes parameters, struct hf_diag *diag, struct passphrase_parameters *out)
{
    struct hf_reader reader = hf_reader_of(parameters);
    struct passphrase_parameters read = { 0 };
    read.salt = hf_read_bytes(&reader, SALT_BYTES);
    read.cost.memory_kib = hf_read_u32(&reader);
    read.cost.passes = hf_read_u32(&reader);
    read.cost.lanes = hf_read_u32(&reader);
    /* bounded, so that a file from elsewhere cannot take all memory or time */
    if (hf_reader_finish(&reader) != HF_OK || find_wrong_cost(&read.cost) != NULL)
        return hf_fail(diag, HF_E_CORRUPT, "", "the seal's Argon2id parameters are not usable");
    *out = read;
    return HF_OK;
}

static hf_err derive(const struct hf_secret *passphrase,
                     const struct passphrase_parameters *parameters, struct hf_diag *diag,
                     struct hf_secret **kek)
{
    hf_err err = crypto_argon2id(passphrase, parameters->salt, &parameters->cost, kek);
    if (err == HF_E_UNSUPPORTED)
        return hf_fail(diag, err, "seal.kind", "Argon2id is not in this build");
    if (err != HF_OK)
        return hf_fail(diag, err, "", "Argon2id with %u KiB: %s",
                       (unsigned int)parameters->cost.memory_kib, hf_err_text(err));
    return HF_OK;
}

static hf_err open_passphrase(const struct seal_config *config HF_UNUSED,
                              const struct seal_people *people, hf_bytes parameters,
                              struct hf_diag *diag, struct hf_secret **kek)
{
    struct passphrase_parameters parsed = { 0 };
    hf_err err = parse(parameters, diag, &parsed);
    HF_CLEANUP(hf_secret_freep) struct hf_secret *passphrase = NULL;
    if (err == HF_OK)
        err = seal_ask(people, SEAL_ASK_PASSPHRASE, 0, diag, &passphrase);
    return err == HF_OK ? derive(passphrase, &parsed, diag, kek) : err;
}

/* It will be handed to a sealed server as a string of JSON: what cannot be one would never open it. */
static hf_err check_new(struct hf_secret *passphrase, struct hf_diag *diag)
{
    const hf_bytes bytes = { hf_secret_edit(passphrase), hf_secret_size(passphrase) };
    if (bytes.n < SEAL_PASSPHRASE_MIN_BYTES || bytes.n > SEAL_PASSPHRASE_MAX_BYTES)
        return hf_fail(diag, HF_E_INVALID, "", "a passphrase must have %d to %d bytes",
                       SEAL_PASSPHRASE_MIN_BYTES, SEAL_PASSPHRASE_MAX_BYTES);
    if (!hf_utf8_valid(hf_bytes_str(bytes)) || memchr(bytes.p, '\0', bytes.n) != NULL)
        return hf_fail(diag, HF_E_INVALID, "", "a passphrase must be text in UTF-8, without NUL");
    return HF_OK;
}

static hf_err put_parameters(const struct crypto_argon2id_cost *cost, struct hf_buf *out)
{
    uint8_t salt[SALT_BYTES];
    hf_err err = crypto_random(salt, sizeof(salt));
    if (err != HF_OK)
        return err;
    hf_buf_put(out, salt, sizeof(salt));
    hf_buf_put_u32(out, cost->memory_kib);
    hf_buf_put_u32(out, cost->passes);
    hf_buf_put_u32(out, cost->lanes);
    return hf_buf_err(out);
}

static hf_err make_passphrase(const struct seal_config *config, const struct seal_people *people,
                              struct hf_diag *diag, struct hf_buf *parameters,
                              struct hf_secret **kek)
{
    const struct crypto_argon2id_cost cost = {
        .memory_kib = or_default(config->argon2_memory_kib, DEFAULT_MEMORY_KIB),
        .passes = or_default(config->argon2_passes, DEFAULT_PASSES),
        .lanes = or_default(config->argon2_lanes, DEFAULT_LANES),
    };
    const char *wrong = find_wrong_cost(&cost);
    if (wrong != NULL)
        return hf_fail(diag, HF_E_INVALID, wrong, "out of bounds for Argon2id");
    HF_CLEANUP(hf_secret_freep) struct hf_secret *passphrase = NULL;
    hf_err err = seal_ask(people, SEAL_ASK_NEW_PASSPHRASE, 0, diag, &passphrase);
    if (err == HF_OK)
        err = check_new(passphrase, diag);
    if (err == HF_OK)
        err = put_parameters(&cost, parameters);
    struct passphrase_parameters parsed = { 0 };
    if (err == HF_OK)
        err = parse(hf_buf_view(parameters), diag, &parsed);
    return err == HF_OK ? derive(passphrase, &parsed, diag, kek) : err;
}

static hf_err describe_passphrase(hf_bytes parameters, struct hf_diag *diag,
                                  struct seal_info *info HF_UNUSED)
{
    struct passphrase_parameters ignored = { 0 };
    return parse(parameters, diag, &ignored);
}

const struct seal_kind seal_passphrase = {
    .name = "passphrase",
    .asks_people = true,
    .make = make_passphrase,
    .open = open_passphrase,
    .describe = describe_passphrase,
    .wrong = "wrong passphrase",
};
