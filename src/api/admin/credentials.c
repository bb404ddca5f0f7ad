/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials of identities over the local door. A new secret is shown once, in the answer that made it.
 */
#include "api/admin/internal.h"

struct credential_body {
    hf_str kind;
    hf_str certificate;
    hf_usec expires;
};

static const struct api_field add_fields[] = {
    API_FIELD(struct credential_body, kind, API_FIELD_IS_STR, "kind", true),
    API_FIELD(struct credential_body, certificate, API_FIELD_IS_STR, "certificate", false),
    API_FIELD(struct credential_body, expires, API_FIELD_IS_TIME, "expires", false),
};
const struct api_body admin_credential_body = API_BODY(struct credential_body, add_fields);

static const struct {
    const char *name;
    enum access_credential_kind kind;
} kinds[] = {
    { "client-secret", ACCESS_CLIENT_SECRET },
    { "certificate", ACCESS_CERTIFICATE },
    { "identity-header", ACCESS_IDENTITY_HEADER },
};

static const char *kind_name(enum access_credential_kind kind)
{
    for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
        if (kinds[i].kind == kind)
            return kinds[i].name;
    }
    return "unknown";
}

static void write_credential(const struct access_credential *credential,
                             const struct hf_secret *secret, struct hf_json_writer *w)
{
    hf_jw_begin_object(w);
    admin_member_uuid(w, "id", &credential->id);
    hf_jw_member_c(w, "kind", kind_name(credential->kind));
    admin_member_time(w, "created", credential->created);
    admin_member_time(w, "expires", credential->expires);
    if (credential->kind == ACCESS_CERTIFICATE) {
        char memory[2 * sizeof(credential->sha256)];
        struct hf_buf hex;
        hf_buf_init_fixed(&hex, memory, sizeof(memory));
        hf_buf_put_hex(&hex, (hf_bytes){ credential->sha256, sizeof(credential->sha256) });
        hf_jw_member_str(w, "sha256", hf_buf_str(&hex));
    }
    if (secret != NULL) {
        hf_jw_key(w, "secret");
        hf_jw_secret(w, secret);
    }
    hf_jw_end_object(w);
}

hf_err admin_credential_list(struct api_call *call)
{
    struct access_principal identity;
    hf_err err = admin_find_identity(call, call->params[0], &identity);
    struct access_credential *all = NULL;
    size_t count = 0;
    if (err == HF_OK)
        err = access_credential_list(call->worker->access, call->txn, &identity.object_id,
                                     call->arena, &all, &count);
    if (err != HF_OK)
        return err;
    struct hf_json_writer w = hf_json_writer_on(call->out);
    hf_jw_begin_object(&w);
    hf_jw_key(&w, "value");
    hf_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        write_credential(&all[i], NULL, &w);
    hf_jw_end_array(&w);
    hf_jw_end_object(&w);
    return HF_OK;
}

static hf_err answer_added(struct api_call *call)
{
    if (call->result == HF_E_CONFLICT)
        return api_fail(
            call, call->result, 409, HF_LIT("Conflict"), HF_LIT(""),
            "The identity cannot have this credential: client secrets and certificates are for "
            "applications, identity headers for managed identities, and there are at most %d.",
            ACCESS_CREDENTIALS_MAX);
    if (call->result != HF_OK)
        return call->result;
    const struct access_command *command = call->state;
    char id[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&command->credential.id, id);
    admin_audit(call, "%.*s;credential=%s;kind=%s", HF_STR_ARG(call->audit.id), id,
                kind_name(command->credential.kind));
    struct hf_json_writer w = hf_json_writer_on(call->out);
    write_credential(&command->credential, command->secret, &w);
    return HF_OK;
}

static hf_err make_command(struct api_call *call, const struct access_principal *identity,
                           enum access_credential_kind kind, const struct credential_body *body,
                           struct access_command **out)
{
    if (kind != ACCESS_CERTIFICATE)
        return access_credential_add_secret(call->service->access, &identity->object_id, kind,
                                            call->now, body->expires, call->arena, out);
    if (body->certificate.n == 0)
        return admin_invalid(call, "certificate: is required (PEM text)");
    hf_err err = access_credential_add_certificate(call->service->access, &identity->object_id,
                                                   hf_str_bytes(body->certificate), call->now,
                                                   call->arena, &call->diag, out);
    return err == HF_E_INVALID
               ? admin_invalid(call, "certificate: is not a usable X.509 certificate in PEM form")
               : err;
}

hf_err admin_credential_add(struct api_call *call)
{
    struct credential_body body = { .expires = INT64_MAX };
    hf_err err = admin_read(call, add_fields, HF_ARRAY_LEN(add_fields), &body);
    struct access_principal identity;
    if (err == HF_OK)
        err = admin_find_identity(call, call->params[0], &identity);
    if (err != HF_OK)
        return err;
    for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
        if (!hf_str_equal(body.kind, hf_str_from_c(kinds[i].name)))
            continue;
        struct access_command *command = NULL;
        err = make_command(call, &identity, kinds[i].kind, &body, &command);
        if (err != HF_OK)
            return err;
        call->state = command;
        call->command = &command->store;
        call->finish = answer_added;
        return HF_OK;
    }
    return admin_invalid(call, "kind: must be 'client-secret', 'certificate' or 'identity-header'");
}

static hf_err answer_deleted(struct api_call *call)
{
    if (call->result == HF_E_NOT_FOUND)
        return admin_not_found(call, "credential", call->params[1]);
    hf_buf_put_c(call->out, "{}");
    return call->result;
}

hf_err admin_credential_delete(struct api_call *call)
{
    struct access_principal identity;
    hf_err err = admin_find_identity(call, call->params[0], &identity);
    struct hf_uuid id;
    if (err == HF_OK && hf_uuid_parse(call->params[1], &id) != HF_OK)
        return admin_not_found(call, "credential", call->params[1]);
    struct access_command *command = NULL;
    if (err == HF_OK)
        err = access_credential_delete(call->service->access, &identity.object_id, &id, call->arena,
                                       &command);
    if (err != HF_OK)
        return err;
    call->state = command;
    call->command = &command->store;
    call->finish = answer_deleted;
    return HF_OK;
}
