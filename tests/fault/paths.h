/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files are the injector's business: those below some folders.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

/* Folders, separated by colons; NULL for none. Returns NULL, or the one that is not there. */
const char *inject_take_folders(const char *text);
bool inject_has_folders(void);
const char *inject_first_folder(void);

bool inject_is_under(const char *path);
/* "" for what has no path. out: PATH_MAX bytes. */
void inject_path_of_fd(int fd, char *out);
/* The absolute path, with the links of its folder followed, but not its own. out: PATH_MAX bytes. */
void inject_path_of_name(int folder, const char *name, char *out);
