/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vault answers to the command line before a token is sent: the challenge and the URLs in it. What parses must be made of
 * the input, and a resource that fits must be the end of the vault's host.
 */
#include "base/assert.h"
#include "cli/challenge.h"
#include "cli/moment.h"
#include "cli/url.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(hf_str part, hf_str whole)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void check_url(hf_str text)
{
    struct cli_url url;
    if (cli_url_parse(text, &url) != HF_OK)
        return;
    HF_ASSERT(url.host.n > 0 && is_inside(url.host, text) && is_inside(url.target, text));
    HF_ASSERT(url.port != 0 && cli_url_same_place(&url, &url));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const hf_str text = { (const char *)data, size };
    check_url(text);
    int64_t seconds = -1;
    if (cli_moment_parse(text, 0, &seconds) == HF_OK)
        HF_ASSERT(seconds >= 0);
    struct cli_challenge challenge;
    if (cli_challenge_parse(text, &challenge) != HF_OK)
        return 0;
    HF_ASSERT(challenge.resource.n > 0 && is_inside(challenge.resource, text));
    HF_ASSERT(is_inside(challenge.authorization, text));
    check_url(challenge.resource);
    HF_ASSERT(!cli_challenge_fits(&challenge, HF_LIT("")));
    return 0;
}
