/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of crypto/ share: start-up, and making values in one line.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/secret.h"
#include "crypto/crypto.h"

#define EXPECT_OK(call) assert_int_equal((call), HF_OK)
#define EXPECT_ERR(err, call) assert_int_equal((call), (err))

#define TEST_BUF_MAX_BYTES (1024 * 1024)

/* Declares an empty buffer that is freed at the end of the scope. */
#define TEST_BUF(name)                                                                             \
    HF_CLEANUP(hf_buf_done) struct hf_buf name;                                                    \
    hf_buf_init(&(name), TEST_BUF_MAX_BYTES)

static inline int start_crypto(void **state)
{
    (void)state;
    return crypto_init(NULL) == HF_OK ? 0 : -1;
}

static inline struct hf_secret *make_secret(const void *bytes, size_t n)
{
    struct hf_secret *secret = NULL;
    EXPECT_OK(hf_secret_from_bytes((hf_bytes){ bytes, n }, &secret));
    return secret;
}

/* n bytes of one value. */
static inline struct hf_secret *make_filled_secret(uint8_t value, size_t n)
{
    struct hf_secret *secret = NULL;
    EXPECT_OK(hf_secret_new(n, &secret));
    for (size_t i = 0; i < n; i++)
        hf_secret_edit(secret)[i] = value;
    return secret;
}

static inline struct hf_json *make_json(const char *text)
{
    struct hf_json *root = NULL;
    EXPECT_OK(hf_json_parse(hf_str_bytes(hf_str_from_c(text)), NULL, &root));
    return root;
}
