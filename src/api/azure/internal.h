/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this front door share.
 */
#pragma once

#include "api/azure/azure.h"
#include "api/fields.h"
#include "vault/key.h"
#include "vault/secret.h"

/* ---- door.c: the door's steps (see struct api_door) ---- */

hf_err azure_admit(struct api_call *call);
hf_err azure_authorize(struct api_call *call);
hf_err azure_read_body(struct api_call *call);
void azure_complete(struct api_call *call);

/* Sets call->vault in the present transaction. Fails: HF_E_NOT_FOUND if the call's vault is gone. */
HF_MUST hf_err azure_find_vault_again(struct api_call *call);
/* "https://dev.vault.example.org:8443" */
hf_str azure_vault_url(struct api_call *call);
/* 400 BadParameter with the message. */
hf_err azure_bad_parameter(struct api_call *call, const char *format, ...) HF_PRINTF(2, 3);
/* 400 BadParameter "Property <name> has invalid value\r\n". */
hf_err azure_bad_property(struct api_call *call, const char *name);
/* Operations of Managed HSM, asked of a vault: 404. */
hf_err azure_not_on_vault(struct api_call *call);

/* ---- error.c ---- */

void azure_write_error(struct api_call *call, hf_err err);

/* ---- challenge.c ---- */

/* Sets call->caller, or refuses with 401 and the challenge. */
hf_err azure_authenticate(struct api_call *call);
/* The request carries a token that verifies. */
bool azure_is_known(struct api_service *service, struct http_exchange *exchange);

/* ---- paging.c ---- */

struct azure_page_request {
    size_t max;
    hf_bytes after; /* where the page before ended; empty for the first page */
};

/* Reads maxresults and $skiptoken. `list` names the list the token must belong to ("secrets", "secrets/name/versions"). */
HF_MUST hf_err azure_page_read(struct api_call *call, hf_str list, struct azure_page_request *out);
/* Writes the member nextLink: null if !more, else the link to the page behind `last`. */
HF_MUST hf_err azure_page_write_next(struct api_call *call, hf_str list,
                                     const struct azure_page_request *page, bool more,
                                     hf_bytes last, struct hf_json_writer *w);

/* ---- object_json.c ---- */

struct azure_collection;

/* "https://dev.vault.example.org/secrets/name[/version]" */
hf_str azure_object_id(struct api_call *call, const struct azure_collection *collection,
                       const struct vault_version *version, bool with_version);
/* Nothing for VAULT_TIME_NONE. */
void azure_write_time(struct hf_json_writer *w, const char *name, hf_usec time);
/* The member "attributes" with what all collections have; the caller adds its own and ends the object. */
void azure_begin_attributes(const struct api_call *call, const struct vault_version *version,
                            struct hf_json_writer *w);
/* The member "tags", if there are any. */
void azure_write_tags(const struct vault_version *version, struct hf_json_writer *w);
/* recoveryId and dates, if it is deleted. */
void azure_write_deleted(struct api_call *call, const struct azure_collection *collection,
                         const struct vault_version *version, struct hf_json_writer *w);
/* Seconds, as an audit record takes them. */
int64_t azure_audit_time(hf_usec time);
/* Reads call->body by its rows; refuses what does not fit. Without required, no body counts as {}. */
HF_MUST hf_err azure_read_fields(struct api_call *call, const struct api_body *body, bool required,
                                 void *target);

/* ---- object_ops.c ---- */

/* What differs between collections in operations that are the same. */
struct azure_collection {
    const char *noun;    /* "secret" */
    const char *title;   /* "Secret" */
    hf_str path;         /* "secrets" */
    hf_str deleted_path; /* "deletedsecrets" */
    hf_str not_found;    /* "SecretNotFound" */
    hf_err (*list)(struct vault *vault, struct store_txn *txn, bool deleted, hf_str after,
                   size_t max, hf_usec now, struct hf_arena *arena, struct vault_page *out);
    hf_err (*list_versions)(struct vault *vault, struct store_txn *txn, hf_str name,
                            const struct hf_uuid *after, size_t max, hf_usec now,
                            struct hf_arena *arena, struct vault_page *out);
    hf_err (*backup)(struct vault *vault, struct store_txn *txn, hf_str name, hf_usec now,
                     struct hf_arena *arena, struct hf_buf *out);
    hf_err (*remove)(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                     struct vault_command **out);
    hf_err (*recover)(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                      struct vault_command **out);
    hf_err (*purge)(struct vault *vault, hf_str name, hf_usec now, struct hf_arena *arena,
                    struct vault_command **out);
    hf_err (*restore)(struct vault *vault, hf_bytes blob, hf_usec now, struct hf_arena *arena,
                      struct vault_command **out);
    /* Writes the bundle, or the deleted bundle, and what the audit record tells of it. */
    hf_err (*answer)(struct api_call *call, const struct vault_version *version);
    /* The item of a list, with or without the version in its id. */
    hf_err (*write_item)(struct api_call *call, const struct vault_version *version,
                         bool with_version, struct hf_json_writer *w);
};

extern const struct azure_collection azure_secrets;
extern const struct azure_collection azure_keys;

/* What the path names. */
struct azure_ref {
    hf_str name;
    const struct hf_uuid *version; /* NULL: the newest */
    struct hf_uuid id;             /* version points to it: not to be copied */
};
HF_MUST hf_err azure_read_ref(struct api_call *call, const struct azure_collection *collection,
                              struct azure_ref *out);
/* The errors that mean the same in every operation. */
hf_err azure_refuse(struct api_call *call, const struct azure_collection *collection, hf_err err);
/* Leaves the command to the dispatcher; finish answers. */
hf_err azure_hand_over(struct api_call *call, struct vault_command *command, api_handler_fn finish);

/* Handlers, and their continuations for those that leave a command. */
hf_err azure_list(struct api_call *call, const struct azure_collection *collection, bool deleted);
hf_err azure_list_versions(struct api_call *call, const struct azure_collection *collection);
hf_err azure_backup(struct api_call *call, const struct azure_collection *collection);
hf_err azure_delete(struct api_call *call, const struct azure_collection *collection,
                    api_handler_fn finish);
hf_err azure_purge(struct api_call *call, const struct azure_collection *collection,
                   api_handler_fn finish);
hf_err azure_recover(struct api_call *call, const struct azure_collection *collection,
                     api_handler_fn finish);
hf_err azure_restore(struct api_call *call, const struct azure_collection *collection,
                     api_handler_fn finish);
hf_err azure_answer_changed(struct api_call *call, const struct azure_collection *collection);
hf_err azure_answer_purge(struct api_call *call, const struct azure_collection *collection);
hf_err azure_answer_recover(struct api_call *call, const struct azure_collection *collection);
hf_err azure_answer_restore(struct api_call *call, const struct azure_collection *collection);
/* err: of reading the deleted object. */
hf_err azure_answer_deleted(struct api_call *call, const struct azure_collection *collection,
                            hf_err err, const struct vault_version *version);

extern const struct api_body azure_restore_body; /* its rows, for tests */

/* ---- secret_json.c ---- */

struct secret_body {
    struct hf_secret *value; /* set; owned by the arena */
    struct vault_secret_change change;
};

/* Their rows, for tests. */
extern const struct api_body secret_set_body;
extern const struct api_body secret_update_body;

HF_MUST hf_err secret_body_read_set(struct api_call *call, struct secret_body *out);
HF_MUST hf_err secret_body_read_update(struct api_call *call, struct secret_body *out);
/* SecretBundle, or DeletedSecretBundle if the secret is deleted. */
HF_MUST hf_err secret_write_bundle(struct api_call *call, const struct vault_secret *secret);
/* SecretItem or DeletedSecretItem, with or without the version in its id. */
HF_MUST hf_err secret_write_item(struct api_call *call, const struct vault_version *version,
                                 bool with_version, struct hf_json_writer *w);
/* What the audit record tells of the secret: its id and properties. */
void secret_audit(struct api_call *call, const struct vault_secret *secret);

/* ---- key_json.c ---- */

/* KeyCreateParameters, KeyImportParameters, KeyUpdateParameters. */
struct key_body {
    hf_str type;
    hf_str curve; /* p == NULL: not given */
    bool has_size;
    bool has_exponent;
    bool exportable;
    bool hsm;
    int64_t size;
    int64_t exponent;
    const struct hf_json *jwk;            /* import */
    const struct hf_json *transfer;       /* import: key_hsm; NULL if not given */
    const struct hf_json *ops;            /* NULL if not given */
    const struct hf_json *jwk_ops;        /* import: those of the JWK; NULL if not given */
    const struct hf_json *release_policy; /* NULL if not given */
    enum crypto_key_family family;
    struct vault_key_change change;
};

/* KeyOperationsParameters, KeyVerifyParameters. p == NULL: not given. */
struct key_operation_body {
    hf_str alg;
    hf_str value;
    hf_str digest;
    hf_str iv;
    hf_str aad;
    hf_str tag;
};

/* Their rows. */
extern const struct api_body key_create_body;
extern const struct api_body key_import_body;
extern const struct api_body key_update_body;
extern const struct api_body key_operation_body;

/* One of the first three; refuses what no key here can be. */
HF_MUST hf_err key_body_read(struct api_call *call, const struct api_body *rows,
                             struct key_body *out);
/* KeyBundle, or DeletedKeyBundle if the key is deleted. */
HF_MUST hf_err key_write_bundle(struct api_call *call, const struct vault_key *key);
/* KeyItem or DeletedKeyItem, with or without the version in its id. */
HF_MUST hf_err key_write_item(struct api_call *call, const struct vault_version *version,
                              bool with_version, struct hf_json_writer *w);
/* What the audit record tells of the key: its id and properties. */
void key_audit(struct api_call *call, const struct vault_key *key);

/* ---- key_ops.c, key_use.c ---- */

hf_err key_create(struct api_call *call);
hf_err key_import(struct api_call *call);
hf_err key_rotate(struct api_call *call);
hf_err key_update(struct api_call *call);
hf_err key_get(struct api_call *call);
hf_err key_list(struct api_call *call);
hf_err key_list_versions(struct api_call *call);
hf_err key_delete(struct api_call *call);
hf_err key_list_deleted(struct api_call *call);
hf_err key_get_deleted(struct api_call *call);
hf_err key_purge(struct api_call *call);
hf_err key_recover(struct api_call *call);
hf_err key_backup(struct api_call *call);
hf_err key_restore(struct api_call *call);
hf_err key_encrypt(struct api_call *call);
hf_err key_decrypt(struct api_call *call);
hf_err key_wrap(struct api_call *call);
hf_err key_unwrap(struct api_call *call);
hf_err key_sign(struct api_call *call);
hf_err key_verify(struct api_call *call);

/* ---- secret_ops.c ---- */

hf_err secret_set(struct api_call *call);
hf_err secret_update(struct api_call *call);
hf_err secret_get(struct api_call *call);
hf_err secret_list(struct api_call *call);
hf_err secret_list_versions(struct api_call *call);
hf_err secret_delete(struct api_call *call);
hf_err secret_list_deleted(struct api_call *call);
hf_err secret_get_deleted(struct api_call *call);
hf_err secret_purge(struct api_call *call);
hf_err secret_recover(struct api_call *call);
hf_err secret_backup(struct api_call *call);
hf_err secret_restore(struct api_call *call);
