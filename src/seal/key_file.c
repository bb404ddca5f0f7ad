/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key-file kind: 32 random bytes in a text file that only the server's user can read, best on
 * another disk or a mounted secret.
 *
 *   holdfast-key-file-v1
 *   <base64url of the 32 bytes>
 *
 * The body of the seal is the root key as a sealed record, under a key derived from those bytes.
 */
#include "seal/kind.h"

#include "base/encode.h"
#include "base/file.h"
#include "crypto/crypto.h"
#include "crypto/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_FAMILY "holdfast-key-file-v"
#define KEY_FILE_HEADER KEY_FILE_FAMILY "1\n"
#define KEY_FILE_KEY_BYTES 32
#define KEY_FILE_MAX_BYTES 256
#define KEY_FILE_FOLDER_MODE 0700
#define KEY_FILE_LABEL "holdfast seal key-file v1"
#define KEY_FILE_BODY_FORMAT 1
#define KEY_FILE_STORAGE_KEY "seal/root"

/* ---- the file ---- */

static hf_err parse_key(hf_str text, struct hf_secret **out)
{
    if (!hf_str_starts(text, HF_LIT(KEY_FILE_HEADER)))
        return hf_str_starts(text, HF_LIT(KEY_FILE_FAMILY)) ? HF_E_FORMAT : HF_E_CORRUPT;
    hf_str line = hf_str_sub(text, HF_LIT(KEY_FILE_HEADER).n, text.n);
    if (hf_str_ends(line, HF_LIT("\n")))
        line.n--;
    HF_CLEANUP(hf_buf_done) struct hf_buf key;
    hf_buf_init_secret(&key, KEY_FILE_MAX_BYTES);
    hf_err err = hf_base64url_decode_strict(line, &key);
    if (err == HF_E_NOMEM)
        return err;
    if (err != HF_OK || key.n != KEY_FILE_KEY_BYTES)
        return HF_E_CORRUPT;
    return hf_secret_from_bytes(hf_buf_view(&key), out);
}

static hf_err check_owner(int fd, const char *path, struct hf_diag *diag)
{
    struct stat file;
    if (fstat(fd, &file) != 0)
        return hf_fail(diag, hf_err_from_errno(errno), "", "%s: %s", path, strerror(errno));
    if (!S_ISREG(file.st_mode))
        return hf_fail(diag, HF_E_FORBIDDEN, "", "%s: is not a regular file", path);
    if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return hf_fail(diag, HF_E_FORBIDDEN, "",
                       "%s: mode is %04o; only its owner may have access (0600)", path,
                       (unsigned int)(file.st_mode & 07777));
    if (file.st_uid != geteuid() && file.st_uid != 0)
        return hf_fail(diag, HF_E_FORBIDDEN, "", "%s: belongs to neither this user nor root", path);
    return HF_OK;
}

/* HF_E_NOT_FOUND if there is none; diag is left to the caller then. */
static hf_err read_key(const char *path, struct hf_diag *diag, struct hf_secret **out)
{
    /* not waiting, should somebody have put a pipe there */
    HF_CLEANUP(hf_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return HF_E_NOT_FOUND;
    if (fd < 0)
        return hf_fail(diag, hf_err_from_errno(errno), "", "%s: %s", path, strerror(errno));
    hf_err err = check_owner(fd, path, diag);
    if (err != HF_OK)
        return err;

    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init_secret(&text, KEY_FILE_MAX_BYTES);
    err = hf_file_read_fd(fd, &text);
    if (err == HF_OK)
        err = parse_key(hf_buf_str(&text), out);
    if (err == HF_E_TOO_LARGE)
        err = HF_E_CORRUPT;
    if (err != HF_OK)
        return hf_fail(diag, err, "", "%s: is not a key file that can be used", path);
    return HF_OK;
}

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

static hf_err make_key(const char *path)
{
    HF_CLEAN_SECRET(key, KEY_FILE_KEY_BYTES);
    hf_err err = crypto_random(key, sizeof(key));
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init_secret(&text, KEY_FILE_MAX_BYTES);
    hf_buf_put_c(&text, KEY_FILE_HEADER);
    hf_buf_put_base64url(&text, (hf_bytes){ key, sizeof(key) });
    hf_buf_put_c(&text, "\n");
    err = hf_buf_err(&text);
    if (err == HF_OK)
        err = make_folder_of(path);
    if (err == HF_OK)
        err = seal_create_file(path, hf_buf_view(&text));
    return err;
}

/* ---- the body ---- */

static hf_err derive_key(const struct hf_secret *file_key, struct crypto_record_key **out)
{
    HF_CLEANUP(hf_secret_freep) struct hf_secret *derived = NULL;
    hf_err err = crypto_kdf(file_key, HF_LIT(KEY_FILE_LABEL), (hf_bytes){ 0 }, &derived);
    if (err != HF_OK)
        return err;
    return crypto_record_key_new(derived, out);
}

static hf_err seal_root(const struct hf_secret *file_key, const struct hf_secret *root_key,
                        struct hf_buf *body)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    hf_err err = derive_key(file_key, &key);
    if (err != HF_OK)
        return err;
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    err = crypto_random(nonce, sizeof(nonce));
    if (err != HF_OK)
        return err;
    return crypto_record_seal_secret(key, hf_str_bytes(HF_LIT(KEY_FILE_STORAGE_KEY)),
                                     KEY_FILE_BODY_FORMAT, nonce, root_key, body);
}

static hf_err open_root(const struct hf_secret *file_key, hf_bytes body, struct hf_secret **out)
{
    HF_CLEANUP(crypto_record_key_freep) struct crypto_record_key *key = NULL;
    hf_err err = derive_key(file_key, &key);
    if (err != HF_OK)
        return err;
    return crypto_record_open_secret(key, hf_str_bytes(HF_LIT(KEY_FILE_STORAGE_KEY)),
                                     KEY_FILE_BODY_FORMAT, body, out);
}

/* ---- the kind ---- */

static hf_err check_path(const struct seal_config *config, struct hf_diag *diag)
{
    if (config->key_file == NULL || config->key_file[0] == '\0')
        return hf_fail(diag, HF_E_INVALID, "", "no key file given");
    return HF_OK;
}

static hf_err wrap(const struct seal_config *config, const struct hf_secret *root_key,
                   struct hf_buf *body, struct hf_diag *diag)
{
    hf_err err = check_path(config, diag);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *file_key = NULL;
    err = read_key(config->key_file, diag, &file_key);
    if (err == HF_E_NOT_FOUND) {
        err = make_key(config->key_file);
        if (err != HF_OK)
            return hf_fail(diag, err, "", "%s: cannot be made: %s", config->key_file,
                           hf_err_text(err));
        err = read_key(config->key_file, diag, &file_key);
    }
    if (err != HF_OK)
        return err;
    return seal_root(file_key, root_key, body);
}

static hf_err unwrap(const struct seal_config *config, hf_bytes body, struct hf_diag *diag,
                     struct hf_secret **out_root_key)
{
    hf_err err = check_path(config, diag);
    if (err != HF_OK)
        return err;
    HF_CLEANUP(hf_secret_freep) struct hf_secret *file_key = NULL;
    err = read_key(config->key_file, diag, &file_key);
    if (err == HF_E_NOT_FOUND)
        return hf_fail(diag, HF_E_UNAVAILABLE, "", "%s: the key file is missing", config->key_file);
    if (err != HF_OK)
        return err;
    err = open_root(file_key, body, out_root_key);
    if (err == HF_E_CORRUPT)
        return hf_fail(diag, err, "", "%s: does not open the seal: wrong key file, or damaged seal",
                       config->key_file);
    return err;
}

const struct seal_kind seal_key_file = { .name = "key-file", .wrap = wrap, .unwrap = unwrap };
