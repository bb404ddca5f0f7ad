/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of one's own for each test of server/, and settings that live in it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "server/settings.h"

struct place {
    char folder[256];
    struct server_settings settings; /* data and seal key below the folder */
};

void place_init(struct place *place);
void place_done(struct place *place); /* removes the folder */

/* folder/name */
void place_path(const struct place *place, const char *name, char *out, size_t size);
bool place_has(const struct place *place, const char *name);
/* The whole file, as text in `out`; asserted to fit. */
void place_read(const struct place *place, const char *name, struct hf_buf *out);
void place_write(const struct place *place, const char *name, const char *text);
void place_remove(const struct place *place, const char *name);
