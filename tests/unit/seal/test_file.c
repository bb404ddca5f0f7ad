/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file "seal": cut, extended, changed byte by byte, made by somebody who knows the layout; never opens, and says so cleanly.
 */
#include "support.h"

#include "crypto/crypto.h"
#include "seal/file.h"
#include "seal/kind.h"

#include <string.h>

/* A seal of kind key-file under KEY_TEXT's key, in the place's folder and in memory. */
struct sealed {
    struct seal_roots roots;
    struct hf_buf bytes;
};

static void seal_place(const struct place *place, struct sealed *out)
{
    *out = (struct sealed){ 0 };
    write_key(place, HF_LIT(KEY_TEXT));
    make_seal(&place->config, NULL, &out->roots);
    read_file(place->seal, &out->bytes);
}

static void sealed_done(struct sealed *sealed)
{
    seal_roots_done(&sealed->roots);
    hf_buf_done(&sealed->bytes);
}

/* Makes the digest at the end fit again, as somebody would who wants his change to be taken. */
static void mend_digest(hf_bytes file, uint8_t *end)
{
    const hf_bytes content = { file.p, file.n - CRYPTO_SHA256_BYTES };
    assert_int_equal(crypto_sha256(&content, 1, end), HF_OK);
}

static void expect_bytes(const struct place *place, hf_bytes bytes, hf_err a, hf_err b,
                         const char *what, size_t at)
{
    struct hf_diag diag = { 0 };
    struct seal_roots roots = { 0 };
    hf_err err = seal_open_bytes(bytes, &place->config, NULL, &diag, &roots);
    if (err != a && err != b)
        fail_msg("%s at %zu: %s (%s)", what, at, hf_err_name(err), diag.text);
    assert_int_equal(roots.count, 0);
    assert_true(diag.text[0] != '\0');
}

static void test_file_cut_short_or_extended_is_corrupt(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(sealed_done) struct sealed sealed;
    seal_place(place, &sealed);
    for (size_t n = 0; n < sealed.bytes.n; n++)
        expect_bytes(place, (hf_bytes){ sealed.bytes.p, n }, HF_E_CORRUPT, HF_E_CORRUPT, "cut", n);
    /* cut, and with a digest that fits */
    for (size_t n = CRYPTO_SHA256_BYTES; n < sealed.bytes.n; n++) {
        uint8_t cut[SEAL_FILE_MAX_BYTES];
        memcpy(cut, sealed.bytes.p, n);
        mend_digest((hf_bytes){ cut, n }, cut + n - CRYPTO_SHA256_BYTES);
        expect_bytes(place, (hf_bytes){ cut, n }, HF_E_CORRUPT, HF_E_FORMAT, "cut and mended", n);
    }
    write_file(place->seal, (hf_bytes){ sealed.bytes.p, 20 });
    expect_open(&place->config, NULL, HF_E_CORRUPT, "cut on disk");
    hf_buf_put_u8(&sealed.bytes, 0);
    write_file(place->seal, hf_buf_view(&sealed.bytes));
    expect_open(&place->config, NULL, HF_E_CORRUPT, "extended");
    static const uint8_t zeros[SEAL_FILE_MAX_BYTES + 1];
    write_file(place->seal, (hf_bytes){ zeros, sizeof(zeros) });
    expect_open(&place->config, NULL, HF_E_CORRUPT, "too large");
}

static void test_file_with_any_byte_changed_never_opens(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(sealed_done) struct sealed sealed;
    seal_place(place, &sealed);
    for (size_t i = 0; i < sealed.bytes.n; i++) {
        sealed.bytes.p[i] ^= 0x20;
        expect_bytes(place, hf_buf_view(&sealed.bytes), HF_E_CORRUPT, HF_E_FORMAT, "changed", i);
        sealed.bytes.p[i] ^= 0x20;
    }
    expect_open(&place->config, NULL, HF_OK, "unchanged");
}

/* Found by the parser, by the KEK's check or by the tag: in no place does a change go through. */
static void test_file_changed_with_a_fitting_digest_never_opens(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(sealed_done) struct sealed sealed;
    seal_place(place, &sealed);
    const size_t content = sealed.bytes.n - CRYPTO_SHA256_BYTES;
    for (size_t i = 0; i < content * 8; i++) {
        sealed.bytes.p[i / 8] ^= (uint8_t)(1U << (i % 8));
        mend_digest(hf_buf_view(&sealed.bytes), sealed.bytes.p + content);
        struct hf_diag diag = { 0 };
        struct seal_roots roots = { 0 };
        hf_err err = seal_open_bytes(hf_buf_view(&sealed.bytes), &place->config, NULL, &diag,
                                     &roots);
        if (err != HF_E_CORRUPT && err != HF_E_FORMAT && err != HF_E_UNSUPPORTED &&
            err != HF_E_FORBIDDEN)
            fail_msg("bit %zu: %s (%s)", i, hf_err_name(err), diag.text);
        assert_true(diag.text[0] != '\0');
        assert_int_equal(roots.count, 0);
        sealed.bytes.p[i / 8] ^= (uint8_t)(1U << (i % 8));
    }
    mend_digest(hf_buf_view(&sealed.bytes), sealed.bytes.p + content);
    expect_open(&place->config, NULL, HF_OK, "unchanged");
}

/* The tag covers the generation, and the number of roots: the newer of two cannot be taken away. */
static void test_file_without_its_newest_root_is_corrupt(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(sealed_done) struct sealed sealed;
    seal_place(place, &sealed);
    HF_CLEANUP(seal_roots_done) struct seal_roots both = { 0 };
    assert_int_equal(seal_rotate_begin(&place->config, NULL, NULL, &both), HF_OK);
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes = { 0 };
    read_file(place->seal, &bytes);
    struct seal_file file = { 0 };
    assert_int_equal(seal_file_parse(hf_buf_view(&bytes), "it", NULL, &file), HF_OK);
    assert_int_equal(file.count, 2);
    for (size_t keep = 0; keep < 2; keep++) {
        HF_CLEANUP(hf_buf_done) struct hf_buf forged;
        hf_buf_init(&forged, SEAL_FILE_MAX_BYTES);
        hf_buf_put(&forged, file.prefix.p, file.prefix.n - 1);
        hf_buf_put_u8(&forged, 1);
        hf_buf_put_u64(&forged, file.root[keep].generation);
        hf_buf_put_field16(&forged, file.root[keep].sealed);
        static const uint8_t digest[CRYPTO_SHA256_BYTES];
        hf_buf_put(&forged, digest, sizeof(digest));
        mend_digest(hf_buf_view(&forged), forged.p + forged.n - sizeof(digest));
        expect_bytes(place, hf_buf_view(&forged), HF_E_CORRUPT, HF_E_CORRUPT, "one root", keep);
    }
}

/* ---- layouts ---- */

struct layout {
    const char *name;
    uint16_t format;
    hf_str kind;
    size_t parameters;
    uint8_t count;
    uint64_t generations[3];
    size_t sealed;
    hf_err expected;
};

static void put_layout(const struct layout *layout, struct hf_buf *out)
{
    static const uint8_t zeros[SEAL_FILE_MAX_BYTES];
    hf_buf_init(out, SEAL_FILE_MAX_BYTES);
    hf_buf_put_c(out, "HFSEAL");
    hf_buf_put_u16(out, layout->format);
    hf_buf_put_field16(out, hf_str_bytes(layout->kind));
    hf_buf_put_field32(out, (hf_bytes){ zeros, layout->parameters });
    hf_buf_put(out, zeros, SEAL_ID_BYTES + SEAL_CHECK_BYTES);
    hf_buf_put_u8(out, layout->count);
    for (size_t i = 0; i < 3 && layout->generations[i] != UINT64_MAX; i++) {
        hf_buf_put_u64(out, layout->generations[i]);
        hf_buf_put_field16(out, (hf_bytes){ zeros, layout->sealed });
    }
    hf_buf_put(out, zeros, CRYPTO_SHA256_BYTES);
    assert_int_equal(hf_buf_err(out), HF_OK);
    mend_digest(hf_buf_view(out), out->p + out->n - CRYPTO_SHA256_BYTES);
}

#define NONE UINT64_MAX
#define KEY_FILE HF_LIT("key-file")
#define ONE                                                                                        \
    {                                                                                              \
        1, NONE, NONE                                                                              \
    }

static void test_file_made_otherwise_is_refused(void **state)
{
    const struct layout layouts[] = {
        /* clang-format off */
        { "format 0",         0, KEY_FILE,                              0,    1, ONE,                   62,  HF_E_FORMAT },
        { "format 1",         1, KEY_FILE,                              0,    1, ONE,                   62,  HF_E_FORMAT },
        { "format 3",         3, KEY_FILE,                              0,    1, ONE,                   62,  HF_E_FORMAT },
        { "other kind",       2, HF_LIT("wax"),                         0,    1, ONE,                   62,  HF_E_UNSUPPORTED },
        { "no kind",          2, HF_LIT(""),                            0,    1, ONE,                   62,  HF_E_UNSUPPORTED },
        { "long kind",        2, HF_LIT("key-file-key-file-key-file-key-f"), 0, 1, ONE,                 62,  HF_E_CORRUPT },
        { "has parameters",   2, KEY_FILE,                              1,    1, ONE,                   62,  HF_E_CORRUPT },
        { "large parameters", 2, KEY_FILE,                              4097, 1, ONE,                   62,  HF_E_CORRUPT },
        { "no root",          2, KEY_FILE,                              0,    0, { NONE, NONE, NONE },  62,  HF_E_CORRUPT },
        { "three roots",      2, KEY_FILE,                              0,    3, { 1, 2, 3 },           62,  HF_E_CORRUPT },
        { "missing root",     2, KEY_FILE,                              0,    2, ONE,                   62,  HF_E_CORRUPT },
        { "one too many",     2, KEY_FILE,                              0,    1, { 1, 2, NONE },        62,  HF_E_CORRUPT },
        { "generation 0",     2, KEY_FILE,                              0,    1, { 0, NONE, NONE },     62,  HF_E_CORRUPT },
        { "gap",              2, KEY_FILE,                              0,    2, { 1, 3, NONE },        62,  HF_E_CORRUPT },
        { "backwards",        2, KEY_FILE,                              0,    2, { 2, 1, NONE },        62,  HF_E_CORRUPT },
        { "overflow",         2, KEY_FILE,                              0,    2, { NONE - 1, 0, NONE }, 62,  HF_E_CORRUPT },
        { "large root",       2, KEY_FILE,                              0,    1, ONE,                   257, HF_E_CORRUPT },
        { "other key",        2, KEY_FILE,                              0,    1, ONE,                   62,  HF_E_FORBIDDEN },
        /* clang-format on */
    };
    const struct place *place = *state;
    write_key(place, HF_LIT(KEY_TEXT));
    for (size_t i = 0; i < HF_ARRAY_LEN(layouts); i++) {
        HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
        put_layout(&layouts[i], &bytes);
        expect_bytes(place, hf_buf_view(&bytes), layouts[i].expected, layouts[i].expected,
                     layouts[i].name, i);
    }
}

/* As the first release wrote it; nothing of it is guessed at. */
static void test_file_of_format_1_is_refused(void **state)
{
    const struct place *place = *state;
    HF_CLEANUP(hf_buf_done) struct hf_buf bytes;
    hf_buf_init(&bytes, SEAL_FILE_MAX_BYTES);
    hf_buf_put_c(&bytes, "HFSEAL");
    hf_buf_put_u16(&bytes, 1);
    hf_buf_put_field16(&bytes, hf_str_bytes(KEY_FILE));
    static const uint8_t body[62] = { 'H', 1 };
    hf_buf_put_field32(&bytes, (hf_bytes){ body, sizeof(body) });
    expect_bytes(place, hf_buf_view(&bytes), HF_E_FORMAT, HF_E_FORMAT, "format 1", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file_cut_short_or_extended_is_corrupt, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_file_with_any_byte_changed_never_opens, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_file_changed_with_a_fitting_digest_never_opens,
                                        place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_file_without_its_newest_root_is_corrupt, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_file_made_otherwise_is_refused, place_set_up,
                                        place_tear_down),
        cmocka_unit_test_setup_teardown(test_file_of_format_1_is_refused, place_set_up,
                                        place_tear_down),
    };
    return cmocka_run_group_tests_name("seal file", tests, place_set_up_library, NULL);
}
