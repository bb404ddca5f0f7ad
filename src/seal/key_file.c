/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds that read their KEK from a file: key-file, a file that only the server's user can read, best on another disk or a
 * mounted secret; and systemd-credential, which the service manager decrypts and hands over at every start.
 */
#include "seal/kind.h"

#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define KEY_FILE_FOLDER_MODE 0700
/* The manager gives the file to root and lets the server's user read it by an access list, which shows as the group's mode. */
#define CREDENTIAL_MODES 0540U

hf_err seal_expect_no_parameters(hf_bytes parameters, struct hf_diag *diag)
{
    if (parameters.n != 0)
        return hf_fail(diag, HF_E_CORRUPT, "",
                       "the seal has parameters that its kind does not have");
    return HF_OK;
}

static hf_err describe_none(hf_bytes parameters, struct hf_diag *diag,
                            struct seal_info *info HF_UNUSED)
{
    return seal_expect_no_parameters(parameters, diag);
}

/* ---- key-file ---- */

static hf_err make_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return HF_OK;
    int n = snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    if (n <= 0 || (size_t)n >= sizeof(folder))
        return HF_E_INVALID;
    return hf_folder_make(folder, KEY_FILE_FOLDER_MODE);
}

static hf_err make_key(const char *path, struct hf_diag *diag)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init_secret(&text, SEAL_KEY_TEXT_MAX_BYTES);
    hf_err err = seal_make_key_text(&text);
    if (err == HF_OK)
        err = make_folder_of(path);
    if (err == HF_OK)
        err = seal_create_file(path, hf_buf_view(&text));
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: cannot be made: %s", path, hf_err_text(err));
    return HF_OK;
}

static hf_err check_path(const struct seal_config *config, struct hf_diag *diag)
{
    if (config->key_file == NULL || config->key_file[0] == '\0')
        return hf_fail(diag, HF_E_INVALID, "seal.key_file", "no key file given");
    return HF_OK;
}

static hf_err open_key_file(const struct seal_config *config,
                            const struct seal_people *people HF_UNUSED, hf_bytes parameters,
                            struct hf_diag *diag, struct hf_secret **kek)
{
    hf_err err = seal_expect_no_parameters(parameters, diag);
    if (err == HF_OK)
        err = check_path(config, diag);
    if (err != HF_OK)
        return err;
    err = seal_read_key_text(config->key_file, SEAL_PRIVATE_MODES, diag, kek);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, HF_E_UNAVAILABLE, "", "%s: the key file is missing", config->key_file);
    return err;
}

static hf_err make_key_file(const struct seal_config *config,
                            const struct seal_people *people HF_UNUSED, struct hf_diag *diag,
                            struct hf_buf *parameters HF_UNUSED, struct hf_secret **kek)
{
    hf_err err = check_path(config, diag);
    if (err != HF_OK)
        return err;
    err = seal_read_key_text(config->key_file, SEAL_PRIVATE_MODES, diag, kek);
    if (err != HF_E_NOT_FOUND)
        return err;
    err = make_key(config->key_file, diag);
    if (err == HF_OK)
        err = seal_read_key_text(config->key_file, SEAL_PRIVATE_MODES, diag, kek);
    return err == HF_E_NOT_FOUND ? HF_E_IO : err;
}

const struct seal_kind seal_key_file = {
    .name = "key-file",
    .make = make_key_file,
    .open = open_key_file,
    .describe = describe_none,
    .wrong = "the key file is not the one that it was sealed with",
};

/* ---- systemd-credential ---- */

/* A credential's name is no path. */
static bool is_credential_name(const char *name)
{
    return name != NULL && name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static hf_err credential_path(const struct seal_config *config, struct hf_diag *diag, char *out,
                              size_t size)
{
    if (!is_credential_name(config->credential))
        return hf_fail(diag, HF_E_INVALID, "seal.credential", "no name of a credential");
    if (config->credentials_folder == NULL || config->credentials_folder[0] == '\0')
        return hf_fail(diag, HF_E_UNAVAILABLE, "",
                       "the service manager has handed over no credentials "
                       "(CREDENTIALS_DIRECTORY is not set)");
    int n = snprintf(out, size, "%s/%s", config->credentials_folder, config->credential);
    if (n <= 0 || (size_t)n >= size)
        return hf_fail(diag, HF_E_INVALID, "seal.credential", "path is too long");
    return HF_OK;
}

static hf_err open_credential(const struct seal_config *config,
                              const struct seal_people *people HF_UNUSED, hf_bytes parameters,
                              struct hf_diag *diag, struct hf_secret **kek)
{
    char path[PATH_MAX];
    hf_err err = seal_expect_no_parameters(parameters, diag);
    if (err == HF_OK)
        err = credential_path(config, diag, path, sizeof(path));
    if (err != HF_OK)
        return err;
    err = seal_read_key_text(path, CREDENTIAL_MODES, diag, kek);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, HF_E_UNAVAILABLE, "", "%s: the credential is missing", path);
    return err;
}

static hf_err make_credential(const struct seal_config *config, const struct seal_people *people,
                              struct hf_diag *diag, struct hf_buf *parameters HF_UNUSED,
                              struct hf_secret **kek)
{
    return open_credential(config, people, (hf_bytes){ 0 }, diag, kek);
}

const struct seal_kind seal_credential = {
    .name = "systemd-credential",
    .make = make_credential,
    .open = open_credential,
    .describe = describe_none,
    .wrong = "the credential is not the one that it was sealed with",
};
