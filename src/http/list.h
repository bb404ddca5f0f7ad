/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An intrusive doubly-linked list: a ring with the list itself as its start. A link that is in no
 * list points to itself.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>

struct http_link {
    struct http_link *prev;
    struct http_link *next;
};

static inline void http_list_init(struct http_link *link)
{
    link->prev = link;
    link->next = link;
}

/* For a list: nothing is in it. For a link: it is in no list. */
static inline bool http_list_is_empty(const struct http_link *list)
{
    return list->next == list;
}

static inline void http_list_append(struct http_link *list, struct http_link *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

static inline void http_list_prepend(struct http_link *list, struct http_link *link)
{
    http_list_append(list->next, link); /* before the first one */
}

/* Moves all of `from` to the end of `to`. */
static inline void http_list_move(struct http_link *from, struct http_link *to)
{
    if (from->next == from)
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    http_list_init(from);
}

/* Fine for a link that is in no list. */
static inline void http_list_remove(struct http_link *link)
{
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track of who is in which list */
    link->prev->next = link->next;
    link->next->prev = link->prev;
    http_list_init(link);
}

/* NULL if the list is empty. */
static inline struct http_link *http_list_first(const struct http_link *list)
{
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): as above */
    return http_list_is_empty(list) ? NULL : list->next;
}

static inline struct http_link *http_list_take_first(struct http_link *list)
{
    struct http_link *first = http_list_first(list);
    if (first != NULL)
        http_list_remove(first);
    return first;
}
