/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiler attributes and the few macros every file uses. Nothing here changes control flow.
 */
#pragma once

#include <stddef.h>

#define HF_MUST __attribute__((warn_unused_result))
#define HF_PRINTF(fmt_arg, first_arg) __attribute__((format(printf, fmt_arg, first_arg)))
#define HF_UNUSED __attribute__((unused))
#define HF_NORETURN __attribute__((noreturn))

/* Runs fn(&variable) when the variable leaves its scope. fn is a `…freep` made by HF_DEFINE_FREEP. */
#define HF_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Defines `static inline void free_fn##p(type **)`, for HF_CLEANUP. free_fn must accept NULL. */
#define HF_DEFINE_FREEP(type, free_fn)                                                             \
    static inline void free_fn##p(type **pointer)                                                  \
    {                                                                                              \
        free_fn(*pointer);                                                                         \
    }

/* Moves a pointer out of a cleaned-up variable: the variable becomes NULL. */
#define hf_take(pointer_address)                                                                   \
    __extension__({                                                                                \
        __typeof__(*(pointer_address)) hf_taken_ = *(pointer_address);                             \
        *(pointer_address) = NULL;                                                                 \
        hf_taken_;                                                                                 \
    })

#define HF_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of `type` whose `member` is at `pointer`. */
#define HF_CONTAINER_OF(pointer, type, member)                                                     \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
