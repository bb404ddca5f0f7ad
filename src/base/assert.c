/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a process whose invariants are broken. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE_MAX_BYTES 512

/* One write(2) from the stack: no lock, no allocation, whatever state the process is in. */
void hf_assert_failed(const char *file, int line, const char *condition)
{
    char message[MESSAGE_MAX_BYTES];
    const int length = snprintf(message, sizeof message, "%s:%d: assertion failed: %s\n", file,
                                line, condition);
    if (length > 0) {
        const size_t fits = sizeof message - 1;
        const size_t n = (size_t)length < fits ? (size_t)length : fits;
        const ssize_t written = write(STDERR_FILENO, message, n);
        (void)written; /* nobody is left to tell */
    }
    abort();
}
