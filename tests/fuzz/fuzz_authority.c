/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host, :authority and listen addresses. What is accepted must be accepted again, and give the
 * same.
 */
#include "base/assert.h"
#include "http/internal.h"

#include <string.h>

#define INPUT_MAX_BYTES 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(hf_str host, int port)
{
    char memory[INPUT_MAX_BYTES + 16];
    struct hf_buf text;
    hf_buf_init_fixed(&text, memory, sizeof(memory));
    hf_buf_put_str(&text, host);
    if (port != 0)
        hf_buf_putf(&text, ":%d", port);
    hf_str again = { NULL, 0 };
    int port_again = -1;
    HF_ASSERT(hf_buf_err(&text) == HF_OK);
    HF_ASSERT(http_authority_parse(memory, text.n, &again, &port_again) == HF_OK);
    HF_ASSERT(hf_str_equal(again, host) && port_again == port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX_BYTES)
        return 0;
    char memory[INPUT_MAX_BYTES + 1] = { 0 };
    if (size > 0)
        memcpy(memory, data, size);
    struct sockaddr_storage address;
    socklen_t n = 0;
    hf_ignore(http_listen_parse((hf_str){ memory, size }, &address, &n)); /* must only not crash */

    hf_str host = { NULL, 0 };
    int port = -1;
    if (http_authority_parse(memory, size, &host, &port) == HF_OK)
        check_again(host, port);
    return 0;
}
