/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration file with a row of every kind: refused with a reason, or read into terminated texts. */
#include "base/assert.h"
#include "base/clock.h"
#include "base/config.h"

#include <stddef.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
    char text[8];
    bool yes;
    int64_t number;
    int64_t bytes;
    hf_usec time;
    int64_t choice;
    struct hf_config_list list;
};

static const char *const choices[] = { "a", "b", NULL };

#define MEMBER(member) offsetof(struct target, member), sizeof(((struct target *)0)->member)

static const struct hf_config_row rows[] = {
    { "t.text", HF_CONFIG_TEXT, MEMBER(text), 0, 0, "x", NULL, false, "" },
    { "t.yes", HF_CONFIG_BOOL, MEMBER(yes), 0, 0, "no", NULL, false, "" },
    { "n.number", HF_CONFIG_INT, MEMBER(number), -5, 5, "0", NULL, false, "" },
    { "n.bytes", HF_CONFIG_SIZE, MEMBER(bytes), 0, INT64_MAX, "1K", NULL, false, "" },
    { "n.time", HF_CONFIG_DURATION, MEMBER(time), 0, HF_USEC_PER_DAY, "1s", NULL, false, "" },
    { "choice", HF_CONFIG_CHOICE, MEMBER(choice), 0, 0, "a", choices, false, "" },
    { "list", HF_CONFIG_LIST, MEMBER(list), 0, 0, NULL, NULL, false, "" },
};

static void check_values(const struct target *target)
{
    HF_ASSERT(memchr(target->text, '\0', sizeof target->text) != NULL);
    HF_ASSERT(target->number >= -5 && target->number <= 5);
    HF_ASSERT(target->bytes >= 0);
    HF_ASSERT(target->time >= 0 && target->time <= HF_USEC_PER_DAY);
    HF_ASSERT(target->choice == 0 || target->choice == 1);
    HF_ASSERT(target->list.count <= HF_CONFIG_LIST_MAX);
    for (size_t i = 0; i < target->list.count; i++)
        HF_ASSERT(memchr(target->list.items[i], '\0', sizeof target->list.items[i]) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct target target;
    struct hf_diag diag = { 0 };
    const hf_str text = hf_bytes_str((hf_bytes){ data, size });
    const hf_err err = hf_config_parse(rows, HF_ARRAY_LEN(rows), "file", text, &target, &diag);
    HF_ASSERT(err == HF_OK || diag.text[0] != '\0');
    check_values(&target);
    return 0;
}
