/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of deadlines, one per kind, each sorted because all of a kind last equally long.
 */
#include "http/deadline.h"

#include <stddef.h>

static struct http_deadline *first_of(const struct http_link *list)
{
    struct http_link *link = http_list_first(list);
    return link == NULL ? NULL : HF_CONTAINER_OF(link, struct http_deadline, link);
}

void http_deadlines_init(struct http_deadlines *deadlines)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(deadlines->lists); i++) {
        http_list_init(&deadlines->lists[i]);
        deadlines->durations[i] = 0;
    }
}

void http_deadline_init(struct http_deadline *deadline)
{
    http_list_init(&deadline->link);
    deadline->at = 0;
    deadline->kind = HTTP_DEADLINE_NONE;
}

void http_deadline_set(struct http_deadlines *deadlines, struct http_deadline *deadline,
                       enum http_deadline_kind kind, hf_usec now)
{
    http_list_remove(&deadline->link);
    deadline->kind = kind;
    deadline->at = now + deadlines->durations[kind];
    http_list_append(&deadlines->lists[kind], &deadline->link);
}

void http_deadline_cancel(struct http_deadline *deadline)
{
    http_list_remove(&deadline->link);
    deadline->kind = HTTP_DEADLINE_NONE;
}

hf_usec http_deadlines_earliest(const struct http_deadlines *deadlines)
{
    hf_usec earliest = INT64_MAX;
    for (size_t i = 0; i < HF_ARRAY_LEN(deadlines->lists); i++) {
        const struct http_deadline *first = first_of(&deadlines->lists[i]);
        if (first != NULL && first->at < earliest)
            earliest = first->at;
    }
    return earliest;
}

struct http_deadline *http_deadlines_take_due(struct http_deadlines *deadlines, hf_usec now)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(deadlines->lists); i++) {
        struct http_deadline *first = first_of(&deadlines->lists[i]);
        if (first != NULL && first->at <= now) {
            http_list_remove(&first->link);
            return first;
        }
    }
    return NULL;
}
