/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore leaves for the server: a sealed record of the store, and the first record of the audit log after it.
 *
 *   history (16) || backup (16) || seq (u64) || time (i64) || audit head (field16) || recorded (u8)
 */
#include "base/reader.h"
#include "server/acts.h"
#include "server/backup.h"
#include "server/installation.h"

#include <inttypes.h>
#include <stdio.h>

#define RESTORED_NAME "restored"
#define RESTORED_MAX_BYTES 128

void server_restored_encode(const struct server_restored *restored, struct hf_buf *out)
{
    uint8_t head[AUDIT_HEAD_BYTES];
    audit_head_encode(&restored->head, head);
    hf_buf_put(out, restored->history.b, sizeof(restored->history.b));
    hf_buf_put(out, restored->backup.b, sizeof(restored->backup.b));
    hf_buf_put_u64(out, restored->seq);
    hf_buf_put_i64(out, restored->time);
    hf_buf_put_field16(out, (hf_bytes){ head, sizeof(head) });
    hf_buf_put_u8(out, restored->is_recorded ? 1 : 0);
}

hf_err server_restored_decode(hf_bytes plain, struct server_restored *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct server_restored read = { .seq = 0 };
    hf_read_into(&reader, read.history.b, sizeof(read.history.b));
    hf_read_into(&reader, read.backup.b, sizeof(read.backup.b));
    read.seq = hf_read_u64(&reader);
    read.time = hf_read_i64(&reader);
    const hf_bytes head = hf_read_field16(&reader, AUDIT_HEAD_BYTES);
    const uint8_t is_recorded = hf_read_u8(&reader);
    if (hf_reader_finish(&reader) != HF_OK || is_recorded > 1)
        return HF_E_CORRUPT;
    read.is_recorded = is_recorded == 1;
    hf_err err = audit_head_decode(head, &read.head);
    if (err == HF_OK)
        *out = read;
    return err;
}

hf_err server_restored_read(struct store *store, struct crypto_record_key *record_key,
                            struct server_restored *out)
{
    uint8_t memory[RESTORED_MAX_BYTES];
    struct hf_buf plain;
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    hf_err err = server_record_get(store, record_key, STORE_CLASS_META, RESTORED_NAME, &plain);
    return err == HF_OK ? server_restored_decode(hf_buf_view(&plain), out) : err;
}

hf_err server_restored_write(struct store *store, struct crypto_record_key *record_key,
                             const struct server_restored *restored)
{
    uint8_t memory[RESTORED_MAX_BYTES];
    struct hf_buf plain;
    hf_buf_init_fixed(&plain, memory, sizeof(memory));
    server_restored_encode(restored, &plain);
    hf_err err = hf_buf_err(&plain);
    return err == HF_OK ? server_record_put(store, record_key, STORE_CLASS_META, RESTORED_NAME,
                                            hf_buf_view(&plain))
                        : err;
}

static hf_err write_record(struct audit_log *log, const struct server_restored *restored,
                           hf_usec now)
{
    char id[HF_UUID_TEXT_BYTES + 1];
    char text[128];
    hf_uuid_format(&restored->backup, id);
    (void)snprintf(text, sizeof(text), "backup=%s,change=%" PRIu64, id, restored->seq);
    const struct server_act act = { .operation = HF_LIT(AUDIT_RESTORE_OPERATION),
                                    .detail = hf_str_from_c(text),
                                    .status = SERVER_ACT_DONE,
                                    .uid = SERVER_ACT_NOBODY,
                                    .time = now };
    return server_acts_write(log, &act, 1);
}

hf_err server_restored_record(struct store *store, struct crypto_record_key *record_key,
                              struct audit_log *log, struct server_restored *restored, hf_usec now)
{
    hf_err err = write_record(log, restored, now);
    if (err != HF_OK)
        return err;
    restored->is_recorded = true;
    return server_restored_write(store, record_key, restored);
}
