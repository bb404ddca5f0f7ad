/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that read the server's configuration have in common.
 */
#pragma once

#include "server/settings.h"

#define SERVER_DEFAULT_CONFIG "/etc/holdfast/holdfast.conf"

/* The configuration, to be given back to free(). As server_settings_load() does; diag is filled. */
HF_MUST hf_err server_command_settings(const char *config, struct hf_diag *diag,
                                       struct server_settings **out);
void server_settings_freep(struct server_settings **settings);
