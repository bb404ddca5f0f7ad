/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plaintext of access's records, and their storage keys. The first byte chooses the kind. What decodes must encode to the
 * same bytes.
 */
#include "access/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static hf_err try_principal(hf_bytes plain, struct hf_buf *out)
{
    struct access_principal principal;
    const hf_err err = access_principal_decode(plain, &principal);
    return err == HF_OK ? access_principal_encode(&principal, out) : err;
}

static hf_err try_client(hf_bytes plain, struct hf_buf *out)
{
    struct hf_uuid object_id;
    const hf_err err = access_client_decode(plain, &object_id);
    return err == HF_OK ? access_client_encode(&object_id, out) : err;
}

static hf_err try_credential(hf_bytes plain, struct hf_buf *out)
{
    struct access_credential_record record;
    const hf_err err = access_credential_decode(plain, &record);
    HF_ASSERT(err != HF_OK || record.certificate.n <= ACCESS_CERTIFICATE_MAX_BYTES);
    return err == HF_OK ? access_credential_encode(&record, out) : err;
}

static hf_err try_assignment(hf_bytes plain, struct hf_buf *out)
{
    struct access_assignment assignment;
    const hf_err err = access_assignment_decode(plain, &assignment);
    if (err != HF_OK)
        return err;
    HF_ASSERT(assignment.role != NULL && assignment.scope.n > 0);
    return access_assignment_encode(&assignment, out);
}

static hf_err try_signing(hf_bytes plain, struct hf_buf *out)
{
    struct access_signing_record record;
    const hf_err err = access_signing_decode(plain, &record);
    HF_ASSERT(err != HF_OK || record.certificate.n <= ACCESS_CERTIFICATE_MAX_BYTES);
    return err == HF_OK ? access_signing_encode(&record, out) : err;
}

/* Readers of keys look behind the class byte only: a cursor has found the key under its class. */
static hf_err put_key(const struct access_key *key, hf_bytes input, struct hf_buf *out)
{
    hf_buf_put_u8(out, input.p[0]);
    hf_buf_put(out, key->b + 1, key->n - 1);
    return hf_buf_err(out);
}

static hf_err try_principal_key(hf_bytes input, struct hf_buf *out)
{
    struct hf_uuid id;
    const hf_err err = access_key_read_principal(input, &id);
    if (err != HF_OK)
        return err;
    const struct access_key key = access_key_principal(&id);
    return put_key(&key, input, out);
}

static hf_err try_pair_key(hf_bytes input, struct hf_buf *out)
{
    struct hf_uuid owner;
    struct hf_uuid id;
    const hf_err err = access_key_read_pair(input, &owner, &id);
    if (err != HF_OK)
        return err;
    const struct access_key key = access_key_credential(&owner, &id);
    return put_key(&key, input, out);
}

/* Class and part are in front. */
static hf_err try_kid_key(hf_bytes input, struct hf_buf *out)
{
    uint8_t kid[CRYPTO_SHA1_BYTES];
    const hf_err err = access_key_read_kid(input, kid);
    if (err != HF_OK)
        return err;
    const struct access_key key = access_key_signing_key(ACCESS_SIGNING_PUBLIC, kid);
    hf_buf_put(out, input.p, 2);
    hf_buf_put(out, key.b + 2, key.n - 2);
    return hf_buf_err(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hf_err (*const kinds[])(hf_bytes input, struct hf_buf * out) = {
        try_principal, try_client,        try_credential, try_assignment,
        try_signing,   try_principal_key, try_pair_key,   try_kid_key,
    };
    if (size == 0 || data[0] >= HF_ARRAY_LEN(kinds))
        return 0;
    const hf_bytes input = { data + 1, size - 1 };
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, size + 1);
    const hf_err err = kinds[data[0]](input, &out);
    if (err == HF_OK)
        HF_ASSERT(hf_bytes_equal(hf_buf_view(&out), input));
    else
        HF_ASSERT((err == HF_E_CORRUPT || err == HF_E_FORMAT) && out.n == 0);
    return 0;
}
