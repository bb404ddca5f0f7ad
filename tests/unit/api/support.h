/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call without a socket: enough of a request for the parts of api/ that only read it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "api/api.h"

struct fixture {
    struct hf_arena *arena;
    struct http_exchange exchange;
    struct http_header headers[4];
    struct api_service service;
    struct hf_buf out;
    struct api_call call;
};

/* A fresh call of this door; free with fixture_done(). */
void fixture_init(struct fixture *fixture, const struct api_door *door, enum http_method method,
                  const char *path, const char *query);
void fixture_body(struct fixture *fixture, const char *content_type, const char *body);
void fixture_done(struct fixture *fixture);

#define EXPECT_STR(text, value)                                                                    \
    do {                                                                                           \
        const hf_str expect_str_ = (value);                                                        \
        assert_int_equal(strlen(text), expect_str_.n);                                             \
        assert_memory_equal((text), expect_str_.p, expect_str_.n);                                 \
    } while (0)
