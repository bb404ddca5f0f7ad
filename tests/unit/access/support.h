/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of access/ share: an engine on a store in a folder of its own, a clock that is moved by assignment, and
 * tokens with any content.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "access/internal.h"

#define EXPECT_OK(call) assert_int_equal((call), HF_OK)
#define EXPECT_ERR(err, call) assert_int_equal((call), (err))

#define SUPPORT_LOGIN "https://login.vault.example:8443"
#define SUPPORT_AUDIENCE "https://vault.example:8443"
#define SUPPORT_TENANT "3e0d8a2c-9f41-4a6e-8d53-6b0f2a1c7e94"
#define SUPPORT_VAULT                                                                              \
    "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/holdfast/providers/"       \
    "Microsoft.KeyVault/vaults/abc"
#define SUPPORT_LIFETIME (3600 * HF_USEC_PER_SEC)
#define SUPPORT_SKEW (300 * HF_USEC_PER_SEC)
#define SUPPORT_KEY_LIFETIME (90 * HF_USEC_PER_DAY)
#define SUPPORT_START (INT64_C(1767607200) * HF_USEC_PER_SEC) /* 2026-01-05T10:00:00Z */

struct support {
    char folder[512];
    struct store *store;
    struct store_reader *reader;
    struct store_txn *txn; /* the newest snapshot; see support_refresh() */
    struct access_engine *engine;
    struct access_view *view;
    struct hf_arena *arena;
    struct hf_diag diag;
    hf_usec now;
};

/* trusted may be NULL. Makes no signing key. */
void support_open(struct support *s, const struct access_trusted_issuer *trusted, size_t count);
void support_close(struct support *s);
/* A configuration that is right; the store and the root key are the caller's to set. */
struct access_config support_config(void);
struct hf_secret *support_root_key(uint8_t fill);

/* A snapshot that sees everything acknowledged. */
void support_refresh(struct support *s);
/* Applies a command and refreshes. */
hf_err support_apply(struct support *s, struct access_command *command);

struct access_principal support_principal(struct support *s, enum access_principal_kind kind,
                                          const char *name);
/* The first signing key. */
void support_signing_key(struct support *s);
/* A client's token, signed; in the arena. */
hf_str support_token(struct support *s, const struct access_principal *principal);
/* A token signed with any key. */
hf_str support_sign(struct support *s, const struct crypto_key *key,
                    enum crypto_signature algorithm, const char *header, const char *payload);
/* A token of this engine's own issuer with any payload. */
hf_str support_sign_own(struct support *s, const char *payload);
/* The payload of support_token() without its braces and exp, nbf and iat: for variations. */
hf_str support_claims(struct support *s, const struct access_principal *principal);

/* Verifies and releases; diag is cleared first. */
hf_err support_verify(struct support *s, hf_str token);
/* Verifies, decides, releases. */
struct access_decision support_decide(struct support *s, hf_str token, enum access_action action,
                                      const char *resource);
struct hf_uuid support_assign(struct support *s, const struct hf_uuid *principal, const char *role,
                              const char *scope);
struct hf_uuid support_uuid(const char *text);
