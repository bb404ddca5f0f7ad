/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HF_ASSERT states what the code guarantees. It stays on in release builds and aborts at once: a vault with broken
 * invariants must not go on. Never used on input, disk content, library results or memory. The message names file,
 * line and condition, never data.
 */
#pragma once

#include "base/attr.h"

#define HF_ASSERT(condition)                                                                       \
    ((condition) ? (void)0 : hf_assert_failed(__FILE__, __LINE__, #condition))

HF_NORETURN void hf_assert_failed(const char *file, int line, const char *condition);
