/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup blobs. The first byte chooses: 0 is a blob as it comes from outside (its head; what is
 * sealed needs the key), anything else is the content after opening, which must encode to the same
 * bytes if it decodes.
 */
#include "vault/internal.h"

#include <stdlib.h>

#define ARENA_MAX_BYTES (16 * 1024 * 1024)
#define CONTENT_MAX_BYTES (4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_blob(hf_bytes blob)
{
    static const struct hf_uuid subscription = { .b = { 1, 2, 3 } };
    hf_bytes head = { NULL, 0 };
    hf_bytes record = { NULL, 0 };
    if (vault_backup_parse(blob, &subscription, &head, &record) != HF_OK)
        return;
    if (head.n != VAULT_BACKUP_HEAD_BYTES || head.n + record.n != blob.n)
        abort();
}

static void try_content(hf_bytes content, struct hf_arena *arena)
{
    struct vault_backup backup;
    if (vault_backup_decode(&vault_secrets, content, arena, &backup) != HF_OK)
        return;
    struct hf_buf out;
    hf_buf_init(&out, CONTENT_MAX_BYTES);
    vault_backup_encode(&backup, &out);
    if (hf_buf_err(&out) != HF_OK || !hf_bytes_equal(hf_buf_view(&out), content))
        abort();
    hf_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hf_arena *arena;
    if (size == 0 || (arena == NULL && hf_arena_new(ARENA_MAX_BYTES, &arena) != HF_OK))
        return 0;
    const hf_bytes input = { data + 1, size - 1 };
    if (data[0] == 0)
        try_blob(input);
    else
        try_content(input, arena);
    hf_arena_reset(arena);
    return 0;
}
