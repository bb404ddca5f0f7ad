/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long texts in chunks: no chunk opens in another place, under another context, or changed.
 */
#include "crypto/stream.h"

#include "fixture.h"

#include <string.h>

#define CHUNK_MAX_BYTES 200
#define CHUNKS 4

struct text {
    struct crypto_stream *stream;
    struct hf_buf chunks[CHUNKS];
};

static const uint8_t key_bytes[CRYPTO_STREAM_KEY_BYTES] = { 1, 2, 3 };
static const uint8_t context[CRYPTO_STREAM_CONTEXT_BYTES] = { 4, 5, 6 };
static const char *const plains[CHUNKS] = { "first", "second, which is longer", "", "last" };

static struct crypto_stream *make_stream(const uint8_t *key, const uint8_t *tied_to)
{
    struct hf_secret *secret = make_secret(key, CRYPTO_STREAM_KEY_BYTES);
    struct crypto_stream *stream = NULL;
    EXPECT_OK(crypto_stream_new(secret, tied_to, &stream));
    hf_secret_free(secret);
    return stream;
}

static int set_up(void **state)
{
    static struct text text;
    text.stream = make_stream(key_bytes, context);
    for (size_t i = 0; i < CHUNKS; i++) {
        hf_buf_init(&text.chunks[i], CHUNK_MAX_BYTES);
        EXPECT_OK(crypto_stream_seal(text.stream, i == CHUNKS - 1,
                                     hf_str_bytes(hf_str_from_c(plains[i])), &text.chunks[i]));
        assert_int_equal(text.chunks[i].n, strlen(plains[i]) + CRYPTO_STREAM_OVERHEAD_BYTES);
    }
    *state = &text;
    return 0;
}

static int tear_down(void **state)
{
    struct text *text = *state;
    for (size_t i = 0; i < CHUNKS; i++)
        hf_buf_done(&text->chunks[i]);
    crypto_stream_free(text->stream);
    return 0;
}

static void test_stream_chunk_opens_only_in_its_place(void **state)
{
    struct text *text = *state;
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
        for (uint64_t index = 0; index < CHUNKS + 1; index++) {
            for (int is_last = 0; is_last < 2; is_last++) {
                TEST_BUF(plain);
                const bool fits = chunk == index && (is_last == 1) == (chunk == CHUNKS - 1);
                const hf_err err = crypto_stream_open(text->stream, index, is_last == 1,
                                                      hf_buf_view(&text->chunks[chunk]), &plain);
                assert_int_equal(err, fits ? HF_OK : HF_E_CORRUPT);
                assert_true(
                    hf_str_equal(hf_buf_str(&plain), hf_str_from_c(fits ? plains[chunk] : "")));
            }
        }
    }
}

static void test_stream_changed_or_cut_chunk_is_refused(void **state)
{
    struct text *text = *state;
    struct hf_buf *chunk = &text->chunks[1];
    TEST_BUF(plain);
    for (size_t i = 0; i < chunk->n; i++) {
        EXPECT_ERR(HF_E_CORRUPT,
                   crypto_stream_open(text->stream, 1, false, (hf_bytes){ chunk->p, i }, &plain));
        chunk->p[i] ^= 1;
        EXPECT_ERR(HF_E_CORRUPT,
                   crypto_stream_open(text->stream, 1, false, hf_buf_view(chunk), &plain));
        chunk->p[i] ^= 1;
    }
    assert_int_equal(plain.n, 0);
    EXPECT_OK(crypto_stream_open(text->stream, 1, false, hf_buf_view(chunk), &plain));
}

static void test_stream_other_key_or_context_is_refused(void **state)
{
    struct text *text = *state;
    const uint8_t other[CRYPTO_STREAM_KEY_BYTES] = { 9 };
    TEST_BUF(plain);
    struct crypto_stream *stream = make_stream(other, context);
    EXPECT_ERR(HF_E_CORRUPT,
               crypto_stream_open(stream, 0, false, hf_buf_view(&text->chunks[0]), &plain));
    crypto_stream_free(stream);
    stream = make_stream(key_bytes, other);
    EXPECT_ERR(HF_E_CORRUPT,
               crypto_stream_open(stream, 0, false, hf_buf_view(&text->chunks[0]), &plain));
    crypto_stream_free(stream);
}

static void test_stream_key_of_other_length_is_refused(void **state)
{
    (void)state;
    struct hf_secret *secret = make_secret(key_bytes, CRYPTO_STREAM_KEY_BYTES - 1);
    struct crypto_stream *stream = NULL;
    EXPECT_ERR(HF_E_INVALID, crypto_stream_new(secret, context, &stream));
    assert_null(stream);
    hf_secret_free(secret);
}

static void test_stream_full_buffer_is_too_large(void **state)
{
    struct text *text = *state;
    uint8_t memory[8];
    struct hf_buf small;
    hf_buf_init_fixed(&small, memory, sizeof(memory));
    EXPECT_ERR(HF_E_TOO_LARGE,
               crypto_stream_open(text->stream, 1, false, hf_buf_view(&text->chunks[1]), &small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_chunk_opens_only_in_its_place),
        cmocka_unit_test(test_stream_changed_or_cut_chunk_is_refused),
        cmocka_unit_test(test_stream_other_key_or_context_is_refused),
        cmocka_unit_test(test_stream_key_of_other_length_is_refused),
        cmocka_unit_test(test_stream_full_buffer_is_too_large),
    };
    if (start_crypto(NULL) != 0)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
