/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast doctor`: looks at what the server needs and says how to mend what is wrong.
 */
#pragma once

/* Exit codes: 0 nothing failed (there may be warnings), 1 something failed, 2 usage. Changes nothing. */
int server_doctor_command(int argc, char **argv);
