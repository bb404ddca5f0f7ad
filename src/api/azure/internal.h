/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this front door share.
 */
#pragma once

#include "api/azure/azure.h"
#include "api/fields.h"
#include "vault/secret.h"

/* ---- door.c: the door's steps (see struct api_door) ---- */

hf_err azure_admit(struct api_call *call);
hf_err azure_authorize(struct api_call *call);
hf_err azure_read_body(struct api_call *call);
void azure_complete(struct api_call *call);

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

/* ---- secret_json.c ---- */

struct secret_body {
    struct hf_secret *value; /* set; owned by the arena */
    hf_str blob;             /* restore */
    struct vault_secret_change change;
};

/* Their rows, for tests. */
extern const struct api_body secret_set_body;
extern const struct api_body secret_update_body;
extern const struct api_body secret_restore_body;

HF_MUST hf_err secret_body_read_set(struct api_call *call, struct secret_body *out);
HF_MUST hf_err secret_body_read_update(struct api_call *call, struct secret_body *out);
HF_MUST hf_err secret_body_read_restore(struct api_call *call, struct secret_body *out);
/* SecretBundle, or DeletedSecretBundle if the secret is deleted. */
HF_MUST hf_err secret_write_bundle(struct api_call *call, const struct vault_secret *secret);
/* SecretItem or DeletedSecretItem, with or without the version in its id. */
HF_MUST hf_err secret_write_item(struct api_call *call, const struct vault_version *version,
                                 bool with_version, struct hf_json_writer *w);
/* What the audit record tells of the secret: its id and properties. */
void secret_audit(struct api_call *call, const struct vault_secret *secret);

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
