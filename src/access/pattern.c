/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching of action patterns: '*' stands for any characters, '/' included; letters compare without case.
 */
#include "access/roles.h"

bool access_pattern_matches(hf_str pattern, hf_str text)
{
    size_t p = 0;
    size_t t = 0;
    size_t after_star = 0; /* where to go on in the pattern after a mismatch; 0: no star seen */
    size_t star_text = 0;  /* up to where the last star has swallowed the text */

    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            after_star = ++p;
            star_text = t;
        } else if (p < pattern.n && hf_lower(pattern.p[p]) == hf_lower(text.p[t])) {
            p++;
            t++;
        } else if (after_star != 0) {
            p = after_star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}
