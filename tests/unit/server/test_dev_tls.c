/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The development certificates: made once, kept while they are good, made anew together when the CA is.
 */
#include "support.h"

#include "base/file.h"
#include "server/dev_internal.h"

#include <string.h>

#define FILE_BYTES ((size_t)64 * 1024)

static void prepare(struct place *place, const struct hf_clock *clock)
{
    struct hf_diag diag = { 0 };
    char ca_file[SERVER_PATH_MAX_BYTES];
    hf_err err = dev_tls_prepare(&place->settings, clock, ca_file, sizeof(ca_file), &diag);
    if (err != HF_OK)
        fail_msg("%s", diag.text);
}

static bool is_same(const struct place *place, const char *name, const struct hf_buf *before)
{
    struct hf_buf now;
    hf_buf_init(&now, FILE_BYTES);
    place_read(place, name, &now);
    bool same = hf_bytes_equal(hf_buf_view(&now), hf_buf_view(before));
    hf_buf_done(&now);
    return same;
}

struct state {
    struct place place;
    struct hf_clock clock;
    struct hf_buf ca;
    struct hf_buf server;
};

static void begin(struct state *state)
{
    place_init(&state->place);
    state->clock = (struct hf_clock){ 0 };
    hf_buf_init(&state->ca, FILE_BYTES);
    hf_buf_init(&state->server, FILE_BYTES);
    prepare(&state->place, &state->clock);
    place_read(&state->place, "data/tls/ca.pem", &state->ca);
    place_read(&state->place, "data/tls/server.pem", &state->server);
}

static void end(struct state *state)
{
    hf_buf_done(&state->ca);
    hf_buf_done(&state->server);
    place_done(&state->place);
}

static void test_dev_tls_is_kept_while_good(void **unused)
{
    (void)unused;
    struct state state;
    begin(&state);
    hf_clock_advance(&state.clock, 300 * HF_USEC_PER_DAY);
    prepare(&state.place, &state.clock);
    assert_true(is_same(&state.place, "data/tls/ca.pem", &state.ca));
    assert_true(is_same(&state.place, "data/tls/server.pem", &state.server));
    end(&state);
}

static void test_dev_tls_server_is_renewed_by_the_same_ca(void **unused)
{
    (void)unused;
    struct state state;
    begin(&state);
    hf_clock_advance(&state.clock, 380 * HF_USEC_PER_DAY);
    prepare(&state.place, &state.clock);
    assert_true(is_same(&state.place, "data/tls/ca.pem", &state.ca));
    assert_false(is_same(&state.place, "data/tls/server.pem", &state.server));
    end(&state);
}

static void test_dev_tls_new_ca_means_new_server_certificate(void **unused)
{
    (void)unused;
    static const char *const lost[] = { "data/tls/ca.pem", "data/tls/ca.key" };
    for (size_t i = 0; i < HF_ARRAY_LEN(lost); i++) {
        struct state state;
        begin(&state);
        place_remove(&state.place, lost[i]);
        prepare(&state.place, &state.clock);
        assert_false(is_same(&state.place, "data/tls/ca.pem", &state.ca));
        assert_false(is_same(&state.place, "data/tls/server.pem", &state.server));
        end(&state);
    }
}

static void test_dev_tls_damaged_file_is_made_anew(void **unused)
{
    (void)unused;
    struct state state;
    begin(&state);
    place_write(&state.place, "data/tls/server.key", "not a key");
    prepare(&state.place, &state.clock);
    assert_true(is_same(&state.place, "data/tls/ca.pem", &state.ca));
    assert_false(is_same(&state.place, "data/tls/server.pem", &state.server));
    end(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dev_tls_is_kept_while_good),
        cmocka_unit_test(test_dev_tls_server_is_renewed_by_the_same_ca),
        cmocka_unit_test(test_dev_tls_new_ca_means_new_server_certificate),
        cmocka_unit_test(test_dev_tls_damaged_file_is_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
