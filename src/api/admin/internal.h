/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the local door share.
 */
#pragma once

#include "api/admin/admin.h"
#include "api/fields.h"

/* ---- door.c ---- */

/* Reads the body by rows; a refusal names the field. */
HF_MUST hf_err admin_read(struct api_call *call, const struct api_field *fields, size_t count,
                          void *target);
/* 400 with a message for people. */
hf_err admin_invalid(struct api_call *call, const char *format, ...) HF_PRINTF(2, 3);
hf_err admin_not_found(struct api_call *call, const char *what, hf_str name);
/* What the audit record tells of the object: by printf. */
void admin_audit(struct api_call *call, const char *format, ...) HF_PRINTF(2, 3);
/* Members written as text. */
void admin_member_uuid(struct hf_json_writer *w, const char *name, const struct hf_uuid *uuid);
/* seconds since 1970 */
void admin_member_time(struct hf_json_writer *w, const char *name, hf_usec time);

/* The bodies of operations, for tests. */
extern const struct api_body admin_act_body;
extern const struct api_body admin_assignment_body;
extern const struct api_body admin_backup_body;
extern const struct api_body admin_clock_body;
extern const struct api_body admin_credential_body;
extern const struct api_body admin_identity_create_body;
extern const struct api_body admin_identity_update_body;
extern const struct api_body admin_vault_body;

/* ---- identities.c ---- */

/* An identity by object id, client id, or name. Fails with an explained HF_E_NOT_FOUND or HF_E_CONFLICT (several of
 * that name). */
HF_MUST hf_err admin_find_identity(struct api_call *call, hf_str text,
                                   struct access_principal *out);

hf_err admin_identity_list(struct api_call *call);
hf_err admin_identity_create(struct api_call *call);
hf_err admin_identity_get(struct api_call *call);
hf_err admin_identity_update(struct api_call *call);
hf_err admin_identity_delete(struct api_call *call);

/* ---- credentials.c ---- */

hf_err admin_credential_list(struct api_call *call);
hf_err admin_credential_add(struct api_call *call);
hf_err admin_credential_delete(struct api_call *call);

/* ---- vaults.c ---- */

/* The ARM id of a vault, in the arena. */
hf_str admin_vault_scope(struct api_call *call, const struct vault_properties *vault);

hf_err admin_vault_list(struct api_call *call);
hf_err admin_vault_get(struct api_call *call);
hf_err admin_vault_create(struct api_call *call);
hf_err admin_vault_protect(struct api_call *call);

/* ---- roles.c ---- */

hf_err admin_role_list(struct api_call *call);
hf_err admin_assignment_list(struct api_call *call);
hf_err admin_assignment_create(struct api_call *call);
hf_err admin_assignment_delete(struct api_call *call);

/* ---- backups.c ---- */

hf_err admin_backup_list(struct api_call *call);
hf_err admin_backup_get(struct api_call *call);
hf_err admin_backup_create(struct api_call *call);

/* ---- sealing.c ---- */

hf_err admin_operator_status(struct api_call *call);
hf_err admin_operator_seal(struct api_call *call);
hf_err admin_operator_act(struct api_call *call);

/* ---- status.c ---- */

hf_err admin_status(struct api_call *call);
hf_err admin_audit_head(struct api_call *call);
hf_err admin_clock_advance(struct api_call *call);
hf_err admin_signing_key_rotate(struct api_call *call);
