/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the configuration for a command.
 */
#include "server/command.h"

#include <stdlib.h>

void server_settings_freep(struct server_settings **settings)
{
    free(*settings);
}

hf_err server_command_settings(const char *config, struct hf_diag *diag,
                               struct server_settings **out)
{
    HF_CLEANUP(server_settings_freep)
    struct server_settings *settings = calloc(1, sizeof(*settings));
    if (settings == NULL)
        return hf_fail(diag, HF_E_NOMEM, "", "%s: %s", config, hf_err_text(HF_E_NOMEM));
    hf_err err = server_settings_load(config, diag, settings);
    if (err == HF_OK)
        *out = hf_take(&settings);
    return err;
}
