/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks memory that nobody may touch, where AddressSanitizer watches; nothing elsewhere. For the allocators of this layer.
 */
#pragma once

#include "base/attr.h"

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define HF_POISON_WORKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HF_POISON_WORKS 1
#endif
#endif

#ifdef HF_POISON_WORKS

#include <sanitizer/asan_interface.h>

/* Not inlined: GCC would take the marking of fresh memory for a use of its content. */
static HF_UNUSED __attribute__((noinline)) void hf_poison(void *p, size_t n)
{
    __asan_poison_memory_region(p, n);
}

static HF_UNUSED __attribute__((noinline)) void hf_unpoison(void *p, size_t n)
{
    __asan_unpoison_memory_region(p, n);
}

#else

static inline void hf_poison(void *p HF_UNUSED, size_t n HF_UNUSED) {}
static inline void hf_unpoison(void *p HF_UNUSED, size_t n HF_UNUSED) {}

#endif
