/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From tries to records.
 */
#include "server/tries.h"

#include "base/encode.h"

#include <inttypes.h>
#include <stdlib.h>

#define RECORDS_MAX (SERVER_TRIES_KEPT + 2) /* the others, and the opening */
#define OPENING_DETAIL_BYTES 1536           /* 255 numbers of shares among it */

static bool is_alike(const struct server_try *one, const struct server_try *other)
{
    return one->uid == other->uid && one->share == other->share && one->result == other->result;
}

static void add(struct server_try *to, const struct server_try *what)
{
    to->times++;
    to->last = what->last;
}

void server_tries_note(struct server_tries *tries, const struct server_try *what)
{
    tries->failures += what->result != HF_OK;
    const bool is_full = tries->others.times > 0; /* what comes now does not follow the last one */
    if (tries->count > 0 && !is_full && is_alike(&tries->items[tries->count - 1], what)) {
        add(&tries->items[tries->count - 1], what);
        return;
    }
    if (tries->count < SERVER_TRIES_KEPT) {
        tries->items[tries->count++] = *what;
        return;
    }
    if (tries->others.times == 0)
        tries->others = *what;
    else
        add(&tries->others, what);
}

/* ---- records ---- */

struct text {
    char memory[OPENING_DETAIL_BYTES];
    struct hf_buf buf;
};

static hf_str describe(const struct server_try *what, struct hf_buf *out)
{
    if (what->share > 0)
        hf_buf_putf(out, "share=%" PRIu32 ",", what->share);
    hf_buf_putf(out, "times=%" PRIu64, what->times);
    if (what->times > 1) {
        hf_buf_put_c(out, ",until=");
        hf_buf_put_iso_time(out, what->last);
    }
    return hf_buf_str(out);
}

/* What did not fit is of several people and outcomes. */
static hf_str describe_others(const struct server_try *others, struct hf_buf *out)
{
    hf_buf_put_c(out, "further,");
    return describe(&(const struct server_try){ .times = others->times, .last = others->last },
                    out);
}

static hf_str describe_opening(const struct server_tries *tries, struct hf_buf *out)
{
    hf_buf_putf(out, "kind=%s,failed=%" PRIu64, tries->kind, tries->failures);
    for (size_t i = 0; i < tries->share_count; i++)
        hf_buf_putf(out, "%s%" PRIu32, i == 0 ? ",shares=" : "+", tries->shares[i]);
    return hf_buf_str(out);
}

static struct server_act make_act(const struct server_try *what, hf_str detail)
{
    return (struct server_act){
        .operation = HF_LIT(SERVER_UNSEAL_OPERATION),
        .detail = detail,
        .description = hf_str_from_c(what->result == HF_OK ? "" : hf_err_text(what->result)),
        .status = what->result == HF_OK ? SERVER_ACT_BEGUN : server_act_status(what->result),
        .uid = what->uid,
        .time = what->first,
    };
}

struct records {
    struct server_act acts[RECORDS_MAX];
    struct text texts[RECORDS_MAX];
    size_t count;
};

static struct hf_buf *next_text(struct records *records)
{
    struct text *text = &records->texts[records->count];
    hf_buf_init_fixed(&text->buf, text->memory, sizeof(text->memory));
    return &text->buf;
}

static void put(struct records *records, const struct server_try *what, hf_str detail)
{
    records->acts[records->count++] = make_act(what, detail);
}

static void fill(struct records *records, const struct server_tries *tries)
{
    for (size_t i = 0; i < tries->count; i++)
        put(records, &tries->items[i], describe(&tries->items[i], next_text(records)));
    if (tries->others.times > 0) {
        struct server_try others = tries->others;
        others.uid = SERVER_ACT_NOBODY;
        put(records, &others, describe_others(&others, next_text(records)));
    }
    if (tries->is_open) {
        put(records, &tries->opening, describe_opening(tries, next_text(records)));
        records->acts[records->count - 1].status = SERVER_ACT_DONE;
    }
}

hf_err server_tries_record(struct server_tries *tries, struct audit_log *log)
{
    struct records *records = calloc(1, sizeof(*records));
    if (records == NULL)
        return HF_E_NOMEM;
    fill(records, tries);
    hf_err err = records->count == 0 ? HF_OK
                                     : server_acts_write(log, records->acts, records->count);
    free(records);
    if (err == HF_OK)
        *tries = (struct server_tries){ .count = 0 };
    return err;
}
