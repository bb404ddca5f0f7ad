/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that a test needs: started without a shell, and gone with the test.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

bool program_is_there(const char *name); /* on PATH, or in one of the sbin folders */
/* Runs it to its end, with its output away. The last argument is NULL. */
bool program_run(const char *const arguments[]);
/* Lets it run; it hears of our end. */
pid_t program_start(const char *const arguments[]);
void program_stop(pid_t pid);
