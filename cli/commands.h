/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions behind the rows of the command table, by file, and what the administration commands share.
 */
#pragma once

#include "cli/local.h"
#include "cli/output.h"

/* Prints a checked answer: as it came with --json, else by columns. */
int cli_show_answer(const struct cli_input *input, const struct cli_column *columns, size_t count,
                    const struct cli_answer *answer);
/* GETs path, a list {"value":[…]}, and prints it: as an array with --json, else as a table. */
int cli_show_list(const struct cli_input *input, const char *path, const struct cli_column *columns,
                  size_t count);
/* The same for a path that was put together. */
int cli_show_list_at(const struct cli_input *input, const struct hf_buf *path,
                     const struct cli_column *columns, size_t count);
/* Sends a change whose answer says nothing; prints the answer only with --json. */
int cli_send_change(const struct cli_input *input, const struct cli_local_call *call);
/* --option's value as a duration in microseconds. */
int cli_read_duration(const char *option, const char *text, int64_t *out);

/* server_commands.c */
int cli_status(const struct cli_input *input);
int cli_clock_advance(const struct cli_input *input);

/* backup_commands.c */
int cli_backup_create(const struct cli_input *input);
int cli_backup_list(const struct cli_input *input);

/* operator_commands.c */
int cli_operator_status(const struct cli_input *input);
int cli_operator_unseal(const struct cli_input *input);
int cli_operator_seal(const struct cli_input *input);

/* vault_commands.c */
int cli_vault_create(const struct cli_input *input);
int cli_vault_list(const struct cli_input *input);
int cli_vault_show(const struct cli_input *input);
int cli_vault_protect(const struct cli_input *input);

/* identity_commands.c */
int cli_identity_create(const struct cli_input *input);
int cli_identity_list(const struct cli_input *input);
int cli_identity_show(const struct cli_input *input);
int cli_identity_enable(const struct cli_input *input);
int cli_identity_disable(const struct cli_input *input);
int cli_identity_delete(const struct cli_input *input);
int cli_identity_rotate_signing_key(const struct cli_input *input);

/* credential_commands.c */
int cli_credential_add(const struct cli_input *input);
int cli_credential_list(const struct cli_input *input);
int cli_credential_delete(const struct cli_input *input);

/* role_commands.c */
int cli_role_list(const struct cli_input *input);
int cli_role_assign(const struct cli_input *input);
int cli_role_assignments(const struct cli_input *input);
int cli_role_unassign(const struct cli_input *input);

/* secret_commands.c */
int cli_secret_set(const struct cli_input *input);
int cli_secret_show(const struct cli_input *input);
int cli_secret_list(const struct cli_input *input);
int cli_secret_versions(const struct cli_input *input);
int cli_secret_delete(const struct cli_input *input);
int cli_secret_recover(const struct cli_input *input);
int cli_secret_purge(const struct cli_input *input);

/* object_backup.c */
int cli_secret_backup(const struct cli_input *input);
int cli_secret_restore(const struct cli_input *input);
int cli_key_backup(const struct cli_input *input);
int cli_key_restore(const struct cli_input *input);

/* key_commands.c */
int cli_key_create(const struct cli_input *input);
int cli_key_import(const struct cli_input *input);
int cli_key_show(const struct cli_input *input);
int cli_key_list(const struct cli_input *input);
int cli_key_versions(const struct cli_input *input);
int cli_key_update(const struct cli_input *input);
int cli_key_rotate(const struct cli_input *input);
int cli_key_delete(const struct cli_input *input);
int cli_key_recover(const struct cli_input *input);
int cli_key_purge(const struct cli_input *input);

/* key_cipher.c */
int cli_key_encrypt(const struct cli_input *input);
int cli_key_decrypt(const struct cli_input *input);
int cli_key_wrap(const struct cli_input *input);
int cli_key_unwrap(const struct cli_input *input);

/* key_sign.c */
int cli_key_sign(const struct cli_input *input);
int cli_key_verify(const struct cli_input *input);
