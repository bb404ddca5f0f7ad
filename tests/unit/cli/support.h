/* SPDX-License-Identifier: Apache-2.0 */
/* What every test of the command line includes. */
#pragma once

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/attr.h"
#include "base/bytes.h"

static inline void assert_text(hf_str actual, const char *expected)
{
    const hf_str wanted = hf_str_from_c(expected);
    assert_int_equal(actual.n, wanted.n);
    assert_memory_equal(actual.p, wanted.p, wanted.n);
}
