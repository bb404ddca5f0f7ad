/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a client proves itself at the token endpoint: client secret, certificate assertion, identity header. Whether it is
 * disabled is told only to who proved to be it.
 */
#include "access/internal.h"

/* Leeway for the times of assertions: clients' clocks are less well kept than servers'. */
#define ASSERTION_SKEW (300 * HF_USEC_PER_SEC)

HF_MUST static hf_err admit(const struct access_principal *principal, hf_str appidacr,
                            struct access_client *out)
{
    if (!principal->enabled)
        return HF_E_DISABLED;
    *out = (struct access_client){ .principal = *principal, .appidacr = appidacr };
    return HF_OK;
}

/* Improves *result if this is the credential: from wrong to right but expired, or to right. */
HF_MUST static hf_err compare_secret(const struct access_credential_record *record,
                                     const uint8_t digest[CRYPTO_SHA256_BYTES], hf_usec now,
                                     hf_err *result)
{
    uint8_t expected[CRYPTO_SHA256_BYTES];
    hf_err err = access_secret_digest(record->salt, digest, expected);
    if (err != HF_OK)
        return err;
    if (!hf_equal_constant_time((hf_bytes){ expected, sizeof(expected) },
                                (hf_bytes){ record->digest, sizeof(record->digest) }))
        return HF_OK;
    if (now < record->info.expires)
        *result = HF_OK;
    else if (*result != HF_OK)
        *result = HF_E_TOKEN_EXPIRED;
    return HF_OK;
}

/* digest: of the presented secret. Every credential is compared, whatever matched before. */
HF_MUST static hf_err match_secret(struct access_view *view, struct store_txn *txn,
                                   const struct hf_uuid *object_id,
                                   enum access_credential_kind kind,
                                   const uint8_t digest[CRYPTO_SHA256_BYTES], hf_usec now)
{
    const struct access_key prefix = access_key_credentials(object_id);
    HF_CLEANUP(access_scan_close) struct access_scan scan = { .cursor = NULL };
    hf_err err = access_scan_open(&scan, view->record_key, txn, &prefix, ACCESS_FORMAT_CREDENTIAL);
    hf_err result = HF_E_UNAUTHENTICATED;
    while (err == HF_OK) {
        err = access_scan_next(&scan);
        if (err == HF_E_NOT_FOUND)
            return result;
        struct access_credential_record record;
        if (err == HF_OK)
            err = access_credential_decode(hf_buf_view(&scan.plain), &record);
        if (err != HF_OK)
            return err;
        if (record.info.kind == kind)
            err = compare_secret(&record, digest, now, &result);
    }
    return err;
}

hf_err access_client_by_secret(struct access_view *view, struct store_txn *txn,
                               const struct hf_uuid *client_id, const struct hf_secret *secret,
                               hf_usec now, struct hf_arena *arena, struct access_client *out)
{
    uint8_t digest[CRYPTO_SHA256_BYTES];
    hf_err err = crypto_sha256_secret(secret, digest);
    if (err != HF_OK)
        return err;
    struct access_principal principal;
    err = access_principal_by_client(view, txn, client_id, arena, &principal);
    if (err == HF_OK)
        err = match_secret(view, txn, &principal.object_id, ACCESS_CLIENT_SECRET, digest, now);
    hf_wipe(digest, sizeof(digest));
    return err == HF_OK ? admit(&principal, HF_LIT("1"), out) : err;
}

/* The object id at the front of a header; it is no secret. */
HF_MUST static hf_err read_header_owner(const struct hf_secret *header, struct hf_uuid *out)
{
    if (hf_secret_size(header) != ACCESS_HEADER_BYTES)
        return HF_E_UNAUTHENTICATED;
    hf_str text = hf_bytes_str(hf_secret_view(header));
    if (text.p[HF_UUID_HEX_BYTES] != '.')
        return HF_E_UNAUTHENTICATED;
    hf_err err = hf_uuid_parse_hex(hf_str_sub(text, 0, HF_UUID_HEX_BYTES), out);
    return err == HF_OK ? HF_OK : HF_E_UNAUTHENTICATED;
}

hf_err access_client_by_header(struct access_view *view, struct store_txn *txn,
                               const struct hf_secret *header, hf_usec now, struct hf_arena *arena,
                               struct access_client *out)
{
    struct hf_uuid object_id;
    hf_err err = read_header_owner(header, &object_id);
    if (err != HF_OK)
        return err;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    err = crypto_sha256_secret(header, digest);
    if (err != HF_OK)
        return err;
    struct access_principal principal;
    err = access_principal_get(view, txn, &object_id, arena, &principal);
    if (err == HF_E_NOT_FOUND)
        err = HF_E_UNAUTHENTICATED;
    if (err == HF_OK)
        err = match_secret(view, txn, &object_id, ACCESS_IDENTITY_HEADER, digest, now);
    hf_wipe(digest, sizeof(digest));
    return err == HF_OK ? admit(&principal, HF_LIT("2"), out) : err;
}

/* ---- certificate assertions ---- */

/* The signature, if this is the certificate that the assertion names. HF_E_NOT_FOUND if it is another. */
HF_MUST static hf_err verify_with(const struct access_assertion *assertion,
                                  const struct access_credential_record *record, hf_usec now)
{
    if (record->info.kind != ACCESS_CERTIFICATE ||
        !access_assertion_names(assertion, &record->info))
        return HF_E_NOT_FOUND;
    if (now < record->not_before || now > record->info.expires)
        return HF_E_TOKEN_SIGNATURE;
    HF_CLEANUP(crypto_key_freep) struct crypto_key *key = NULL;
    hf_err err = crypto_certificate_key(record->certificate, &key);
    if (err != HF_OK)
        return err == HF_E_NOMEM ? err : HF_E_CORRUPT;
    return crypto_jwt_verify(&assertion->jwt, key);
}

HF_MUST static hf_err verify_signature(struct access_view *view, struct store_txn *txn,
                                       const struct hf_uuid *object_id,
                                       const struct access_assertion *assertion, hf_usec now)
{
    const struct access_key prefix = access_key_credentials(object_id);
    HF_CLEANUP(access_scan_close) struct access_scan scan = { .cursor = NULL };
    hf_err err = access_scan_open(&scan, view->record_key, txn, &prefix, ACCESS_FORMAT_CREDENTIAL);
    while (err == HF_OK) {
        err = access_scan_next(&scan);
        if (err == HF_E_NOT_FOUND)
            return HF_E_TOKEN_SIGNATURE; /* not registered */
        struct access_credential_record record;
        if (err == HF_OK)
            err = access_credential_decode(hf_buf_view(&scan.plain), &record);
        if (err != HF_OK)
            return err;
        err = verify_with(assertion, &record, now);
        if (err != HF_E_NOT_FOUND)
            return err;
        err = HF_OK;
    }
    return err;
}

HF_MUST static hf_err check_assertion_claims(const struct access_assertion *assertion,
                                             const struct access_engine *engine, hf_usec now)
{
    hf_err err = access_claims_check_audience(&assertion->claims, engine,
                                              access_assertion_audience_accepted, NULL);
    if (err == HF_OK)
        err = access_claims_check_times(&assertion->claims, now, ASSERTION_SKEW);
    if (err == HF_OK &&
        assertion->claims.expires > now + ACCESS_ASSERTION_AHEAD_MAX + ASSERTION_SKEW)
        err = HF_E_TOKEN_NOT_YET_VALID;
    return err;
}

hf_err access_client_by_assertion(struct access_view *view, struct store_txn *txn,
                                  const struct hf_uuid *client_id, hf_str assertion, hf_usec now,
                                  struct hf_arena *arena, struct access_client *out)
{
    HF_CLEANUP(access_assertion_done)
    struct access_assertion parsed = { .jwt = { .header = NULL } };
    hf_err err = access_assertion_parse(assertion, arena, &parsed);
    if (err != HF_OK)
        return err;
    if (client_id != NULL && !hf_uuid_equal(client_id, &parsed.client_id))
        return HF_E_TOKEN_MALFORMED;
    struct access_principal principal;
    err = access_principal_by_client(view, txn, &parsed.client_id, arena, &principal);
    if (err == HF_OK)
        err = verify_signature(view, txn, &principal.object_id, &parsed, now);
    if (err == HF_OK)
        err = check_assertion_claims(&parsed, view->engine, now);
    return err == HF_OK ? admit(&principal, HF_LIT("2"), out) : err;
}
