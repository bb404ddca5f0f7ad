/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One header field. In a file of its own because the parsers' headers cannot be included beside
 * http.h.
 */
#pragma once

#include "base/bytes.h"

struct http_header {
    hf_str name; /* lower case in requests */
    hf_str value;
};
