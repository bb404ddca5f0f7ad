/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plaintext of the server's own records. The first byte chooses the kind: installation, note of a restore, the development
 * server's credentials, head of the audit log, note of a rotation. What decodes must encode to the same bytes.
 */
#include "base/assert.h"
#include "server/backup.h"
#include "server/dev_internal.h"
#include "server/installation.h"
#include "server/rotate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static hf_err try_installation(hf_bytes plain, struct hf_buf *out)
{
    struct server_installation installation;
    const hf_err err = server_installation_decode(plain, &installation);
    if (err == HF_OK)
        server_installation_encode(&installation, out);
    return err;
}

static hf_err try_restored(hf_bytes plain, struct hf_buf *out)
{
    struct server_restored restored;
    const hf_err err = server_restored_decode(plain, &restored);
    if (err == HF_OK)
        server_restored_encode(&restored, out);
    return err;
}

static hf_err try_credentials(hf_bytes plain, struct hf_buf *out)
{
    HF_CLEANUP(dev_credentials_done) struct dev_credentials credentials = { 0 };
    const hf_err err = dev_credentials_decode(plain, &credentials);
    if (err == HF_OK)
        dev_credentials_encode(&credentials, out);
    return err;
}

static hf_err try_head(hf_bytes plain, struct hf_buf *out)
{
    struct audit_head head;
    uint8_t again[AUDIT_HEAD_BYTES];
    const hf_err err = audit_head_decode(plain, &head);
    if (err != HF_OK)
        return err;
    HF_ASSERT(head.seq <= INT64_MAX);
    audit_head_encode(&head, again);
    hf_buf_put(out, again, sizeof(again));
    return HF_OK;
}

static hf_err try_rotated(hf_bytes plain, struct hf_buf *out)
{
    struct server_rotated rotated;
    const hf_err err = server_rotated_decode(plain, &rotated);
    if (err == HF_OK)
        server_rotated_encode(&rotated, out);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hf_err (*const kinds[])(hf_bytes plain, struct hf_buf * out) = {
        try_installation, try_restored, try_credentials, try_head, try_rotated
    };
    if (size == 0 || data[0] >= HF_ARRAY_LEN(kinds))
        return 0;
    const hf_bytes input = { data + 1, size - 1 };
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init_secret(&out, size + 1);
    const hf_err err = kinds[data[0]](input, &out);
    if (err == HF_OK)
        HF_ASSERT(hf_buf_err(&out) == HF_OK && hf_bytes_equal(hf_buf_view(&out), input));
    else
        HF_ASSERT((err == HF_E_CORRUPT || err == HF_E_FORMAT) && out.n == 0);
    return 0;
}
