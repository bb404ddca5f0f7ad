/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The development server's vault, identities, credentials and roles. The credentials are kept sealed in the store like everything
 * else, so that the lines printed at one start still hold at the next.
 */
#include "server/dev_internal.h"

#include "base/reader.h"

#include <stdio.h>

#define CREDENTIALS_NAME "credentials"
#define CREDENTIALS_MAX_BYTES 512
#define VAULT_NAME "dev"
#define RESOURCE_GROUP "holdfast"
#define ROLE_NAME "Key Vault Administrator"
#define ARENA_MAX_BYTES ((size_t)1024 * 1024)

void dev_credentials_done(struct dev_credentials *credentials)
{
    hf_secret_free(credentials->client_secret);
    hf_secret_free(credentials->identity_header);
    *credentials = (struct dev_credentials){ 0 };
}

/* ---- the sealed record ---- */

hf_err dev_credentials_decode(hf_bytes plain, struct dev_credentials *out)
{
    struct hf_reader reader = hf_reader_of(plain);
    struct dev_credentials read = { 0 };
    hf_read_into(&reader, read.client_id.b, sizeof(read.client_id.b));
    hf_read_into(&reader, read.identity_client_id.b, sizeof(read.identity_client_id.b));
    const hf_bytes client_secret = hf_read_field16(&reader, CREDENTIALS_MAX_BYTES);
    const hf_bytes identity_header = hf_read_field16(&reader, CREDENTIALS_MAX_BYTES);
    if (hf_reader_finish(&reader) != HF_OK)
        return HF_E_CORRUPT;
    hf_err err = hf_secret_from_bytes(client_secret, &read.client_secret);
    if (err == HF_OK)
        err = hf_secret_from_bytes(identity_header, &read.identity_header);
    if (err == HF_OK)
        *out = read;
    else
        dev_credentials_done(&read);
    return err;
}

static hf_err read_credentials(struct server_instance *instance, struct dev_credentials *out)
{
    struct hf_buf plain;
    hf_buf_init_secret(&plain, CREDENTIALS_MAX_BYTES);
    hf_err err = server_record_get(server_instance_service(instance)->store,
                                   server_instance_record_key(instance), STORE_CLASS_DEV,
                                   CREDENTIALS_NAME, &plain);
    if (err == HF_OK)
        err = dev_credentials_decode(hf_buf_view(&plain), out);
    hf_buf_done(&plain);
    return err;
}

/* A length of two bytes, then the text; credentials are far below 64 KiB. */
static void put_secret(struct hf_buf *out, const struct hf_secret *secret)
{
    hf_buf_put_u16(out, (uint16_t)(hf_secret_size(secret) & UINT16_MAX));
    hf_buf_put_secret(out, secret);
}

void dev_credentials_encode(const struct dev_credentials *credentials, struct hf_buf *out)
{
    hf_buf_put(out, credentials->client_id.b, sizeof(credentials->client_id.b));
    hf_buf_put(out, credentials->identity_client_id.b, sizeof(credentials->identity_client_id.b));
    put_secret(out, credentials->client_secret);
    put_secret(out, credentials->identity_header);
}

static hf_err write_credentials(struct server_instance *instance,
                                const struct dev_credentials *credentials)
{
    struct hf_buf plain;
    hf_buf_init_secret(&plain, CREDENTIALS_MAX_BYTES);
    dev_credentials_encode(credentials, &plain);
    hf_err err = hf_buf_err(&plain);
    if (err == HF_OK)
        err = server_record_put(server_instance_service(instance)->store,
                                server_instance_record_key(instance), STORE_CLASS_DEV,
                                CREDENTIALS_NAME, hf_buf_view(&plain));
    hf_buf_done(&plain);
    return err;
}

/* ---- what is made once ---- */

static hf_err make_vault(struct api_service *service, hf_usec now, struct hf_arena *arena,
                         hf_str *out_scope)
{
    struct vault_properties properties = { .tenant = service->settings.tenant,
                                           .subscription = service->settings.subscription,
                                           .retention_days = VAULT_RETENTION_DEFAULT_DAYS };
    (void)snprintf(properties.name, sizeof(properties.name), VAULT_NAME);
    (void)snprintf(properties.resource_group, sizeof(properties.resource_group), RESOURCE_GROUP);
    (void)snprintf(properties.location, sizeof(properties.location), "%s",
                   service->settings.location);
    *out_scope = hf_arena_printf(
        arena, "/subscriptions/%.*s/resourceGroups/%s/providers/Microsoft.KeyVault/vaults/%s",
        HF_STR_ARG(service->subscription), RESOURCE_GROUP, VAULT_NAME);
    if (out_scope->p == NULL)
        return HF_E_NOMEM;
    struct vault_command *command = NULL;
    struct hf_diag diag = { 0 };
    hf_err err = vault_create(service->vaults, &properties, now, arena, &diag, &command);
    if (err == HF_OK)
        err = store_apply(service->store, &command->store);
    return err == HF_E_EXISTS ? HF_OK : err;
}

/* An identity with one credential, administrator of scope. */
static hf_err make_identity(struct api_service *service, hf_usec now,
                            enum access_principal_kind kind, hf_str name,
                            enum access_credential_kind credential, hf_str scope,
                            struct hf_arena *arena, struct hf_uuid *out_client_id,
                            struct hf_secret **out_secret)
{
    struct hf_diag diag = { 0 };
    struct access_command *identity = NULL;
    hf_err err = access_principal_create(service->access, kind, name, now, arena, &diag, &identity);
    if (err == HF_OK)
        err = store_apply(service->store, &identity->store);
    if (err != HF_OK)
        return err;
    const struct hf_uuid *object_id = &identity->principal.object_id;
    struct access_command *added = NULL;
    err = access_credential_add_secret(service->access, object_id, credential, now, INT64_MAX,
                                       arena, &added);
    if (err == HF_OK)
        err = store_apply(service->store, &added->store);
    const struct access_role *role = NULL;
    if (err == HF_OK)
        err = access_role_find(HF_LIT(ROLE_NAME), &role);
    struct access_command *assigned = NULL;
    if (err == HF_OK)
        err = access_assign(service->access, object_id, role, scope, now, arena, &diag, &assigned);
    if (err == HF_OK)
        err = store_apply(service->store, &assigned->store);
    if (err == HF_OK)
        err = hf_secret_dup(added->secret, out_secret);
    if (err == HF_OK)
        *out_client_id = identity->principal.client_id;
    return err;
}

/* Interrupted in the middle, the next start makes new identities; the unfinished ones stay without anyone knowing
 * their secrets. */
static hf_err make_all(struct server_instance *instance, struct hf_arena *arena,
                       struct dev_credentials *out)
{
    struct api_service *service = server_instance_service(instance);
    hf_usec now = hf_clock_now(service->clock);
    hf_str scope;
    hf_err err = make_vault(service, now, arena, &scope);
    if (err == HF_OK)
        err = make_identity(service, now, ACCESS_APPLICATION, HF_LIT("dev-application"),
                            ACCESS_CLIENT_SECRET, scope, arena, &out->client_id,
                            &out->client_secret);
    if (err == HF_OK)
        err = make_identity(service, now, ACCESS_MANAGED_IDENTITY, HF_LIT("dev-administrator"),
                            ACCESS_IDENTITY_HEADER, scope, arena, &out->identity_client_id,
                            &out->identity_header);
    return err == HF_OK ? write_credentials(instance, out) : err;
}

hf_err dev_setup(struct server_instance *instance, struct dev_credentials *out)
{
    *out = (struct dev_credentials){ 0 };
    hf_err err = read_credentials(instance, out);
    if (err != HF_E_NOT_FOUND)
        return err;
    HF_CLEANUP(hf_arena_freep) struct hf_arena *arena = NULL;
    err = hf_arena_new(ARENA_MAX_BYTES, &arena);
    if (err == HF_OK)
        err = make_all(instance, arena, out);
    if (err != HF_OK)
        dev_credentials_done(out);
    return err;
}
