/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the root key is protected while the server is down. A seal keeps a key-encryption key (KEK, 32 bytes) in the way of its
 * kind; the KEK protects one root key, or two while the root key is being rotated. Everything that opening needs and that is not
 * secret stands in the file <folder>/seal, which is replaced atomically (layout: file.h).
 *
 * Kinds: key-file, systemd-credential, passphrase, shamir, pkcs11, tpm2. The first two, pkcs11 and tpm2 open by themselves;
 * passphrase and shamir ask people.
 *
 * Threads: one at a time. All functions may block (Argon2id, a token, a TPM).
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

#define SEAL_ROOT_KEY_BYTES 32
#define SEAL_ROOTS_MAX 2
#define SEAL_SHARES_MAX 255
#define SEAL_KIND_NAME_MAX_BYTES 31
#define SEAL_PASSPHRASE_MIN_BYTES 12 /* of a new one */
#define SEAL_PASSPHRASE_MAX_BYTES 1024
#define SEAL_SHARE_MAX_BYTES 80 /* of its text */
#define SEAL_SHARE_SET_BYTES 8  /* of the set's name in it */
#define SEAL_ARGON2_MEMORY_MAX_KIB (4U * 1024 * 1024)
#define SEAL_ARGON2_PASSES_MAX 64
#define SEAL_ARGON2_LANES_MAX 64

/* All texts are the caller's and outlive the call; NULL or "" if not given. */
struct seal_config {
    const char *kind;
    const char *folder;             /* the data folder: holds the file "seal" */
    const char *key_file;           /* key-file: path of the wrapping key */
    const char *credential;         /* systemd-credential: its name … */
    const char *credentials_folder; /* … and where it is: $CREDENTIALS_DIRECTORY */
    uint32_t argon2_memory_kib;     /* passphrase; 0: default (RFC 9106's second recommendation: */
    uint32_t argon2_passes;         /* 64 MiB, 3 passes, 4 lanes) */
    uint32_t argon2_lanes;
    uint32_t shares; /* shamir: how many are made … */
    uint32_t
        threshold; /* … and needed: 1 <= threshold <= shares <= SEAL_SHARES_MAX, >= 2 if shares > 1 */
    const char *pkcs11_module; /* path of the token's library */
    const char *pkcs11_token;  /* the token's label */
    const char
        *pkcs11_key; /* label of the AES-256 key inside; made if missing, never extractable */
    const char *pkcs11_pin_file; /* mode 0600 or less */
    const char *tpm_tcti;        /* "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321" */
    const char *tpm_pcrs;        /* "sha256:7" or "sha256:0,2,7"; empty: no policy on PCRs */
};

enum seal_ask {
    SEAL_ASK_PASSPHRASE,
    SEAL_ASK_NEW_PASSPHRASE, /* for init and rekey; the asker has it typed twice */
    SEAL_ASK_SHARE,          /* the index-th share given, from 0 */
};

/* What people do while a seal is opened or made. */
struct seal_people {
    void *context;
    /*
     * Gives a passphrase (which counts byte for byte) or a share (its text; blanks around it are fine). HF_E_NOT_FOUND: there
     * is none (any more); the seal then fails with HF_E_UNAVAILABLE. Any other failure is handed on. NULL: nobody can be asked.
     */
    hf_err (*ask)(void *context, enum seal_ask what, size_t index, struct hf_secret **out);
    /*
     * Takes share `index` (from 0) of `count` of a new seal to its holder, before the seal is written: if it fails, nothing is
     * changed. share: text "hfs1-<set>-<number>-<base64url>-<checksum>"; a typing error is found by the checksum at once.
     */
    hf_err (*give_share)(void *context, size_t index, size_t count, const struct hf_secret *share);
};

struct seal_roots {
    size_t count; /* 1, or 2 while a rotation is under way */
    struct {
        uint64_t generation; /* from 1; the second is the first's + 1 */
        struct hf_secret *key;
    } root[SEAL_ROOTS_MAX];
};
/* Clears and frees; for HF_CLEANUP. The struct is as zeroed afterwards. */
void seal_roots_done(struct seal_roots *roots);

/* What the file says without being opened; nothing of it is authenticated yet. */
struct seal_info {
    char kind[SEAL_KIND_NAME_MAX_BYTES + 1];
    uint64_t generation; /* of the newest root */
    size_t roots;        /* 2: a rotation is under way */
    uint32_t shares;     /* shamir; else 0 */
    uint32_t threshold;
    char
        share_set[SEAL_SHARE_SET_BYTES + 1]; /* shamir: as in the texts of its shares; else empty */
    bool asks_people;
};
/* Fails: HF_E_NOT_FOUND (not initialised), HF_E_CORRUPT, HF_E_FORMAT, HF_E_UNSUPPORTED (kind), HF_E_INVALID, HF_E_IO, … */
HF_MUST hf_err seal_read_info(const char *folder, struct hf_diag *diag, struct seal_info *out);

/*
 * Whether text is the text of a share, and which: so that each can be refused when it is entered.
 * Fails: HF_E_INVALID (no share, or mistyped), HF_E_FORMAT (of a later version).
 */
struct seal_share_info {
    char set[SEAL_SHARE_SET_BYTES + 1];
    uint32_t number; /* from 1 */
};
HF_MUST hf_err seal_share_read_info(const struct hf_secret *text, struct hf_diag *diag,
                                    struct seal_share_info *out);

/*
 * Makes a new root key (generation 1) and protects it. A key file, token key or credential that exists is used. Nothing that
 * exists is ever overwritten; after an interruption, calling it again completes it. people may be NULL.
 *
 * Fails: HF_E_EXISTS       sealed already; nothing is changed
 *        HF_E_UNSUPPORTED  no such kind, or not in this build
 *        HF_E_INVALID      a setting is missing or wrong (diag->field names it, as "seal.key_file"); a new passphrase is too
 *                          short, too long, or not UTF-8
 *        HF_E_UNAVAILABLE  nobody to ask; credential missing; token or TPM not reachable
 *        HF_E_FORBIDDEN    key file or PIN file open to others; PIN refused; TPM refuses
 *        HF_E_CORRUPT, HF_E_FORMAT  the key file that exists cannot be used
 *        HF_E_IO, HF_E_DISK_FULL, HF_E_NOMEM, HF_E_INTERNAL
 */
HF_MUST hf_err seal_init(const struct seal_config *config, const struct seal_people *people,
                         struct hf_diag *diag, struct seal_roots *out);
/*
 * Opens the seal. The kind is the file's; config->kind may be NULL, and must be the same if it is given.
 *
 * Fails: HF_E_NOT_FOUND    not initialised
 *        HF_E_UNAVAILABLE  something is missing: key file, credential, token, TPM, answers (too few shares)
 *        HF_E_FORBIDDEN    wrong passphrase, shares, key file or token key; key file open to others; PIN refused; PCRs changed
 *        HF_E_INVALID      a setting is missing or wrong; a share is mistyped or was given twice
 *        HF_E_CORRUPT      damaged, or does not authenticate although the KEK is right by its own check
 *        HF_E_FORMAT       format of another version (1 too)
 *        HF_E_UNSUPPORTED  no such kind, not in this build, or not the kind that config names
 *        HF_E_IO, HF_E_NOMEM, HF_E_INTERNAL
 */
HF_MUST hf_err seal_open(const struct seal_config *config, const struct seal_people *people,
                         struct hf_diag *diag, struct seal_roots *out);
/*
 * Protects the same roots under a new KEK of config's kind: a new passphrase, new shares, a new key file, or another kind
 * (migration). The old seal stays until the new one is durable; killed at any moment, either the old or the new opens. What was
 * made for the new one before a failure (a key file, shares) is of no use then, and harmless. A seal that is damaged is replaced
 * too: so a server that runs can mend it.
 *
 * Fails: HF_E_EXISTS (these roots are protected by just this key file or credential, in the same way, already: nothing to do),
 * HF_E_NOT_FOUND (not initialised), HF_E_CONFLICT (the file has other generations than roots), else as seal_init()
 */
HF_MUST hf_err seal_rekey(const struct seal_config *config, const struct seal_people *people,
                          const struct seal_roots *roots, struct hf_diag *diag);
/*
 * Rotation of the root key, in two steps around the re-sealing of the store. begin: the seal holds the old root and a new one
 * (HF_OK also if it does already: the rotation is resumed; *out then has both). end: the seal holds only the newest (HF_OK also
 * if it does already). Both need the KEK again: people are asked as in seal_open().
 */
HF_MUST hf_err seal_rotate_begin(const struct seal_config *config, const struct seal_people *people,
                                 struct hf_diag *diag, struct seal_roots *out);
HF_MUST hf_err seal_rotate_end(const struct seal_config *config, const struct seal_people *people,
                               struct hf_diag *diag);
/*
 * The seal as bytes, to be carried in a server backup, and operations on such bytes, which are parsed strictly. export appends
 * the file; open_bytes opens with config's key file, people, … (config->folder is not used); install writes the bytes as the
 * folder's seal, and makes the folder (HF_E_EXISTS if there is a seal).
 */
#define SEAL_FILE_MAX_BYTES 8192
struct hf_buf;
HF_MUST hf_err seal_export(const char *folder, struct hf_diag *diag, struct hf_buf *out);
HF_MUST hf_err seal_read_info_bytes(hf_bytes file, struct hf_diag *diag, struct seal_info *out);
HF_MUST hf_err seal_open_bytes(hf_bytes file, const struct seal_config *config,
                               const struct seal_people *people, struct hf_diag *diag,
                               struct seal_roots *out);
HF_MUST hf_err seal_install(const char *folder, hf_bytes file, struct hf_diag *diag);
