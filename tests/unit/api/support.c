/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes calls for the tests of api/.
 */
#include "support.h"

#include <string.h>

void fixture_init(struct fixture *fixture, const struct api_door *door, enum http_method method,
                  const char *path, const char *query)
{
    memset(fixture, 0, sizeof(*fixture));
    assert_int_equal(hf_arena_new((size_t)1024 * 1024, &fixture->arena), HF_OK);
    hf_buf_init_secret(&fixture->out, 65536);
    fixture->exchange.arena = fixture->arena;
    fixture->exchange.request = (struct http_request){ .method = method,
                                                       .path = hf_str_from_c(path),
                                                       .query = hf_str_from_c(query),
                                                       .headers = fixture->headers };
    fixture->service.tenant = HF_LIT("11111111-2222-3333-4444-555555555555");
    fixture->service.login_url = HF_LIT("https://login.example.test");
    fixture->call = (struct api_call){ .exchange = &fixture->exchange,
                                       .request = &fixture->exchange.request,
                                       .arena = fixture->arena,
                                       .service = &fixture->service,
                                       .door = door,
                                       .method = method,
                                       .out = &fixture->out };
}

void fixture_body(struct fixture *fixture, const char *content_type, const char *body)
{
    fixture->headers[0] = (struct http_header){ HF_LIT("content-type"),
                                                hf_str_from_c(content_type) };
    fixture->exchange.request.header_count = 1;
    fixture->exchange.request.body = hf_str_bytes(hf_str_from_c(body));
}

void fixture_done(struct fixture *fixture)
{
    hf_json_free(fixture->call.body);
    hf_buf_done(&fixture->out);
    hf_arena_free(fixture->arena);
}
