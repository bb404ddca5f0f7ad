/* SPDX-License-Identifier: Apache-2.0 */
/* Counting the lines of each event in windows of a second. */
#include "base/log_limit.h"

#include <string.h>

static struct hf_log_limit_slot *find_slot(struct hf_log_limit *limit, const char *event)
{
    struct hf_log_limit_slot *oldest = &limit->slots[0];
    for (size_t i = 0; i < HF_LOG_LIMIT_EVENTS; i++) {
        struct hf_log_limit_slot *slot = &limit->slots[i];
        if (slot->event == NULL || strcmp(slot->event, event) == 0)
            return slot;
        if (slot->window < oldest->window)
            oldest = slot;
    }
    oldest->event = NULL;
    return oldest;
}

bool hf_log_limit_pass(struct hf_log_limit *limit, const char *event, hf_usec now,
                       int64_t *out_suppressed)
{
    struct hf_log_limit_slot *slot = find_slot(limit, event);
    if (slot->event == NULL) {
        *slot = (struct hf_log_limit_slot){ .event = event, .window = now };
    } else if (now - slot->window >= HF_LOG_LIMIT_WINDOW) {
        slot->window = now;
        slot->lines = 0;
    }
    if (slot->lines >= HF_LOG_LIMIT_LINES) {
        slot->suppressed++;
        return false;
    }
    slot->lines++;
    *out_suppressed = slot->suppressed;
    slot->suppressed = 0;
    return true;
}
