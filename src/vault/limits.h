/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain's limits, each with its source. Sizes in bytes unless the name says otherwise.
 */
#pragma once

#include "base/clock.h"

/*
 * Vault name: 3–24 letters, digits and single hyphens, starts with a letter, ends alphanumeric (Key
 * Vault naming rules).
 */
#define VAULT_NAME_MIN_CHARS 3
#define VAULT_NAME_MAX_CHARS 24

/* Object name: ^[0-9a-zA-Z-]{1,127}$ (Key Vault REST). */
#define VAULT_OBJECT_NAME_MAX_CHARS 127

/* "25 KB": 25 600 bytes of UTF-8 (Key Vault service limits). */
#define VAULT_SECRET_VALUE_MAX_BYTES 25600
/* In UTF-16 units, as the service counts (Key Vault REST). */
#define VAULT_CONTENT_TYPE_MAX_CHARS 255

/*
 * Tags: 15 per version; for secrets name and value up to 512 characters, for keys 256 (Key Vault
 * docs, about secrets, about keys).
 */
#define VAULT_TAGS_MAX 15
#define VAULT_TAG_MAX_CHARS 512

/* Of keys (Key Vault docs, about keys). */
#define VAULT_KEY_TAG_MAX_CHARS 256
/* PKCS#8 of an RSA key of 4096 bits has 2,400 bytes. */
#define VAULT_KEY_VALUE_MAX_BYTES 4096

/* The largest value of any collection; what a collection keeps with each version beside the value. */
#define VAULT_VALUE_MAX_BYTES VAULT_SECRET_VALUE_MAX_BYTES
#define VAULT_PARTICULARS_MAX_BYTES (16 * 1024)

/* Soft delete retention (Key Vault docs, soft-delete overview). */
#define VAULT_RETENTION_MIN_DAYS 7
#define VAULT_RETENTION_MAX_DAYS 90
#define VAULT_RETENTION_DEFAULT_DAYS 90

/* A backup holds at most this many versions (Key Vault docs, backup). */
#define VAULT_BACKUP_VERSIONS_MAX 500
/*
 * Bytes of a backup blob after decoding: 500 values of 25 600 bytes with metadata at its largest,
 * rounded up.
 */
#define VAULT_BACKUP_BLOB_MAX_BYTES (48 * 1024 * 1024)

/* Root keys before the present one whose backups can still be restored. */
#define VAULT_BACKUP_KEYS_MAX 16

/* Items in one page (Key Vault REST: maxresults 1–25, default 25). */
#define VAULT_PAGE_MAX_ITEMS 25

#define VAULT_RESOURCE_GROUP_MAX_CHARS 90
#define VAULT_LOCATION_MAX_CHARS 64
