/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data actions and the Key Vault built-in roles, as tables. Patterns of roles are matched against the action names once, at
 * start; afterwards a role is a set of bits.
 */
#pragma once

#include "base/bytes.h"
#include "base/encode.h"
#include "base/err.h"

/*
 * Every data action of Microsoft.KeyVault/vaults (resource provider operations): enum suffix, name behind the prefix
 * "Microsoft.KeyVault/vaults/".
 */
#define ACCESS_ACTION_LIST(X)                                                                      \
    X(KEYS_READ, "keys/read")                                                                      \
    X(KEYS_DELETE, "keys/delete")                                                                  \
    X(KEYS_UPDATE, "keys/update/action")                                                           \
    X(KEYS_CREATE, "keys/create/action")                                                           \
    X(KEYS_IMPORT, "keys/import/action")                                                           \
    X(KEYS_RECOVER, "keys/recover/action")                                                         \
    X(KEYS_RESTORE, "keys/restore/action")                                                         \
    X(KEYS_BACKUP, "keys/backup/action")                                                           \
    X(KEYS_PURGE, "keys/purge/action")                                                             \
    X(KEYS_ENCRYPT, "keys/encrypt/action")                                                         \
    X(KEYS_DECRYPT, "keys/decrypt/action")                                                         \
    X(KEYS_WRAP, "keys/wrap/action")                                                               \
    X(KEYS_UNWRAP, "keys/unwrap/action")                                                           \
    X(KEYS_SIGN, "keys/sign/action")                                                               \
    X(KEYS_VERIFY, "keys/verify/action")                                                           \
    X(KEYS_RELEASE, "keys/release/action")                                                         \
    X(KEYS_ROTATE, "keys/rotate/action")                                                           \
    X(KEYROTATION_READ, "keyrotationpolicies/read")                                                \
    X(KEYROTATION_WRITE, "keyrotationpolicies/write")                                              \
    X(SECRETS_DELETE, "secrets/delete")                                                            \
    X(SECRETS_BACKUP, "secrets/backup/action")                                                     \
    X(SECRETS_PURGE, "secrets/purge/action")                                                       \
    X(SECRETS_UPDATE, "secrets/update/action")                                                     \
    X(SECRETS_RECOVER, "secrets/recover/action")                                                   \
    X(SECRETS_RESTORE, "secrets/restore/action")                                                   \
    X(SECRETS_READ_METADATA, "secrets/readMetadata/action")                                        \
    X(SECRETS_GET, "secrets/getSecret/action")                                                     \
    X(SECRETS_SET, "secrets/setSecret/action")                                                     \
    X(CERTIFICATES_READ, "certificates/read")                                                      \
    X(CERTIFICATES_DELETE, "certificates/delete")                                                  \
    X(CERTIFICATES_BACKUP, "certificates/backup/action")                                           \
    X(CERTIFICATES_PURGE, "certificates/purge/action")                                             \
    X(CERTIFICATES_UPDATE, "certificates/update/action")                                           \
    X(CERTIFICATES_CREATE, "certificates/create/action")                                           \
    X(CERTIFICATES_IMPORT, "certificates/import/action")                                           \
    X(CERTIFICATES_RECOVER, "certificates/recover/action")                                         \
    X(CERTIFICATES_RESTORE, "certificates/restore/action")                                         \
    X(CERTIFICATECAS_READ, "certificatecas/read")                                                  \
    X(CERTIFICATECAS_WRITE, "certificatecas/write")                                                \
    X(CERTIFICATECAS_DELETE, "certificatecas/delete")                                              \
    X(CERTIFICATECONTACTS_WRITE, "certificatecontacts/write")

enum access_action {
#define ACCESS_ACTION_ENUM(suffix, name) ACCESS_##suffix,
    ACCESS_ACTION_LIST(ACCESS_ACTION_ENUM)
#undef ACCESS_ACTION_ENUM
        ACCESS_ACTION_COUNT,
};

/* The full name: "Microsoft.KeyVault/vaults/secrets/getSecret/action". */
hf_str access_action_name(enum access_action action);

struct access_role {
    hf_str name;                     /* "Key Vault Secrets User" */
    struct hf_uuid id;               /* the role definition's GUID in Azure */
    hf_str description;              /* our own words */
    const char *const *data_actions; /* patterns behind the prefix; NULL-terminated; may be empty */
};

/* All built-in roles with Key Vault data actions, and those without that people assign by habit (they allow nothing here). */
const struct access_role *access_roles(size_t *out_count);
/* By GUID, or by name without case. HF_E_NOT_FOUND. */
HF_MUST hf_err access_role_find(hf_str name_or_guid, const struct access_role **out);
/* Does the role's set hold the action? */
bool access_role_allows(const struct access_role *role, enum access_action action);
/* Case-insensitive, '*' matches any characters including '/'. */
bool access_pattern_matches(hf_str pattern, hf_str text);
