/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local door: administration over the server's unix socket, for the command line. Who may connect is decided by
 * the kernel's word
 * on the peer: root, or the user the server runs as. Everything asked here is recorded in the audit log like any other request.
 */
#pragma once

#include "api/api.h"

extern const struct api_door admin_door;
