/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of data actions and built-in roles (Azure built-in roles, "Security"). Patterns are matched against the
 * actions once per process; from then on a role is a set of bits.
 */
#include "access/internal.h"

#include <pthread.h>

#define ACTION_PREFIX "Microsoft.KeyVault/vaults/"

_Static_assert(ACCESS_ACTION_COUNT <= 64, "a role's actions fit into 64 bits");

static const hf_str action_names[ACCESS_ACTION_COUNT] = {
#define ACTION_NAME(suffix, name)                                                                  \
    [ACCESS_##suffix] = { ACTION_PREFIX name, sizeof(ACTION_PREFIX name) - 1 },
    ACCESS_ACTION_LIST(ACTION_NAME)
#undef ACTION_NAME
};

#define ACTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_ACTIONS ((const char *const[]){ NULL })
#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
#define GUID(...)                                                                                  \
    {                                                                                              \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const struct access_role roles[] = {
    { TEXT("Key Vault Administrator"),
      GUID(0x00, 0x48, 0x2a, 0x5a, 0x88, 0x7f, 0x4f, 0xb3, 0xb3, 0x63, 0x3b, 0x7f, 0xe8, 0xe7, 0x44,
           0x83),
      TEXT("Everything on the objects of a vault: keys, secrets and certificates."), ACTIONS("*") },
    { TEXT("Key Vault Reader"),
      GUID(0x21, 0x09, 0x05, 0x45, 0x7c, 0xa7, 0x47, 0x76, 0xb2, 0x2c, 0xe3, 0x63, 0x65, 0x2d, 0x74,
           0xd2),
      TEXT("Sees which objects there are and their attributes; no secret value."),
      ACTIONS("*/read", "secrets/readMetadata/action") },
    { TEXT("Key Vault Secrets Officer"),
      GUID(0xb8, 0x6a, 0x8f, 0xe4, 0x44, 0xce, 0x49, 0x48, 0xae, 0xe5, 0xec, 0xcb, 0x2c, 0x15, 0x5c,
           0xd7),
      TEXT("Everything on secrets."), ACTIONS("secrets/*") },
    { TEXT("Key Vault Secrets User"),
      GUID(0x46, 0x33, 0x45, 0x8b, 0x17, 0xde, 0x40, 0x8a, 0xb8, 0x74, 0x04, 0x45, 0xc8, 0x6b, 0x69,
           0xe6),
      TEXT("Reads and lists secrets."),
      ACTIONS("secrets/getSecret/action", "secrets/readMetadata/action") },
    { TEXT("Key Vault Crypto Officer"),
      GUID(0x14, 0xb4, 0x6e, 0x9e, 0xc2, 0xb7, 0x41, 0xb4, 0xb0, 0x7b, 0x48, 0xa6, 0xeb, 0xf6, 0x06,
           0x03),
      TEXT("Everything on keys and their rotation."), ACTIONS("keys/*", "keyrotationpolicies/*") },
    { TEXT("Key Vault Crypto User"),
      GUID(0x12, 0x33, 0x8a, 0xf0, 0x0e, 0x69, 0x47, 0x76, 0xbe, 0xa7, 0x57, 0xae, 0x8d, 0x29, 0x74,
           0x24),
      TEXT("Uses keys: encrypt, decrypt, wrap, unwrap, sign, verify; reads, updates and backs them "
           "up."),
      ACTIONS("keys/read", "keys/update/action", "keys/backup/action", "keys/encrypt/action",
              "keys/decrypt/action", "keys/wrap/action", "keys/unwrap/action", "keys/sign/action",
              "keys/verify/action") },
    { TEXT("Key Vault Crypto Service Encryption User"),
      GUID(0xe1, 0x47, 0x48, 0x8a, 0xf6, 0xf5, 0x41, 0x13, 0x8e, 0x2d, 0xb2, 0x24, 0x65, 0xe6, 0x5b,
           0xf6),
      TEXT("Reads keys and wraps and unwraps with them, for services that encrypt data at rest."),
      ACTIONS("keys/read", "keys/wrap/action", "keys/unwrap/action") },
    { TEXT("Key Vault Crypto Service Release User"),
      GUID(0x08, 0xbb, 0xd8, 0x9e, 0x9f, 0x13, 0x48, 0x8c, 0xac, 0x41, 0xac, 0xfc, 0xb1, 0x0c, 0x90,
           0xab),
      TEXT("Releases keys into attested environments."), ACTIONS("keys/release/action") },
    { TEXT("Key Vault Certificates Officer"),
      GUID(0xa4, 0x41, 0x7e, 0x6f, 0xfe, 0xcd, 0x4d, 0xe8, 0xb5, 0x67, 0x7b, 0x04, 0x20, 0x55, 0x69,
           0x85),
      TEXT("Everything on certificates, their issuers and contacts."),
      ACTIONS("certificatecas/*", "certificates/*", "certificatecontacts/write") },
    { TEXT("Key Vault Certificate User"),
      GUID(0xdb, 0x79, 0xe9, 0xa7, 0x68, 0xee, 0x4b, 0x58, 0x9a, 0xeb, 0xb9, 0x0e, 0x7c, 0x24, 0xfc,
           0xba),
      TEXT("Reads certificates together with their secret and key parts."),
      ACTIONS("certificates/read", "secrets/getSecret/action", "secrets/readMetadata/action",
              "keys/read") },
    /* Without data actions: they manage vaults or rights, and open no object. */
    { TEXT("Key Vault Contributor"),
      GUID(0xf2, 0x5e, 0x0f, 0xa2, 0xa7, 0xc8, 0x43, 0x77, 0xa9, 0x76, 0x54, 0x94, 0x3a, 0x77, 0xa3,
           0x95),
      TEXT("Manages vaults, not what is in them. Holds no data action."), NO_ACTIONS },
    { TEXT("Key Vault Purge Operator"),
      GUID(0xa6, 0x8e, 0x7c, 0x17, 0x0a, 0xb2, 0x4c, 0x09, 0x9a, 0x58, 0x12, 0x5d, 0xae, 0x29, 0x74,
           0x8c),
      TEXT("Purges deleted vaults. Holds no data action."), NO_ACTIONS },
    { TEXT("Key Vault Data Access Administrator"),
      GUID(0x8b, 0x54, 0x13, 0x5c, 0xb5, 0x6d, 0x4d, 0x72, 0xa5, 0x34, 0x26, 0x09, 0x7c, 0xfd, 0xc8,
           0xd8),
      TEXT("Gives and takes the Key Vault roles. Holds no data action."), NO_ACTIONS },
    { TEXT("Managed HSM contributor"),
      GUID(0x18, 0x50, 0x0a, 0x29, 0x7f, 0xe2, 0x46, 0xb2, 0xa3, 0x42, 0xb1, 0x6a, 0x41, 0x5e, 0x10,
           0x1d),
      TEXT("Manages HSM pools, not what is in them. Holds no data action."), NO_ACTIONS },
    { TEXT("Owner"),
      GUID(0x8e, 0x3a, 0xf6, 0x57, 0xa8, 0xff, 0x44, 0x3c, 0xa7, 0x5c, 0x2f, 0xe8, 0xc4, 0xbc, 0xb6,
           0x35),
      TEXT("Manages all resources and their rights. Holds no data action."), NO_ACTIONS },
    { TEXT("Contributor"),
      GUID(0xb2, 0x49, 0x88, 0xac, 0x61, 0x80, 0x42, 0xa0, 0xab, 0x88, 0x20, 0xf7, 0x38, 0x2d, 0xd2,
           0x4c),
      TEXT("Manages all resources. Holds no data action."), NO_ACTIONS },
    { TEXT("Reader"),
      GUID(0xac, 0xdd, 0x72, 0xa7, 0x33, 0x85, 0x48, 0xef, 0xbd, 0x42, 0xf6, 0x06, 0xfb, 0xa8, 0x1a,
           0xe7),
      TEXT("Sees all resources. Holds no data action."), NO_ACTIONS },
    { TEXT("User Access Administrator"),
      GUID(0x18, 0xd7, 0xd8, 0x8d, 0xd3, 0x5e, 0x4f, 0xb5, 0xa5, 0xc3, 0x77, 0x73, 0xc2, 0x0a, 0x72,
           0xd9),
      TEXT("Gives and takes roles. Holds no data action."), NO_ACTIONS },
    { TEXT("Role Based Access Control Administrator"),
      GUID(0xf5, 0x83, 0x10, 0xd9, 0xa9, 0xf6, 0x43, 0x9a, 0x9e, 0x8d, 0xf6, 0x2e, 0x7b, 0x41, 0xa1,
           0x68),
      TEXT("Gives and takes roles. Holds no data action."), NO_ACTIONS },
};

#define ROLE_COUNT HF_ARRAY_LEN(roles)

static uint64_t role_bits[ROLE_COUNT]; /* immutable once computed */
static pthread_once_t role_bits_once = PTHREAD_ONCE_INIT;

static uint64_t compute_bits(const struct access_role *role)
{
    uint64_t bits = 0;
    for (size_t action = 0; action < ACCESS_ACTION_COUNT; action++) {
        hf_str name = hf_str_sub(action_names[action], sizeof(ACTION_PREFIX) - 1, SIZE_MAX);
        for (const char *const *pattern = role->data_actions; *pattern != NULL; pattern++) {
            if (access_pattern_matches(hf_str_from_c(*pattern), name))
                bits |= UINT64_C(1) << action;
        }
    }
    return bits;
}

static void compute_all_bits(void)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        role_bits[i] = compute_bits(&roles[i]);
}

hf_str access_action_name(enum access_action action)
{
    HF_ASSERT((size_t)action < ACCESS_ACTION_COUNT);
    return action_names[action];
}

const struct access_role *access_roles(size_t *out_count)
{
    *out_count = ROLE_COUNT;
    return roles;
}

hf_err access_role_by_id(const struct hf_uuid *id, const struct access_role **out)
{
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (hf_uuid_equal(&roles[i].id, id)) {
            *out = &roles[i];
            return HF_OK;
        }
    }
    return HF_E_NOT_FOUND;
}

hf_err access_role_find(hf_str name_or_guid, const struct access_role **out)
{
    struct hf_uuid id;
    if (hf_uuid_parse(name_or_guid, &id) == HF_OK)
        return access_role_by_id(&id, out);
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (hf_str_equal_nocase(roles[i].name, name_or_guid)) {
            *out = &roles[i];
            return HF_OK;
        }
    }
    return HF_E_NOT_FOUND;
}

uint64_t access_role_bits(const struct access_role *role)
{
    HF_ASSERT(role >= roles && role < roles + ROLE_COUNT);
    HF_ASSERT(pthread_once(&role_bits_once, compute_all_bits) == 0);
    return role_bits[role - roles];
}

bool access_role_allows(const struct access_role *role, enum access_action action)
{
    return (access_role_bits(role) & access_action_bit(action)) != 0;
}
