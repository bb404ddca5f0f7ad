/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the parts of docs/ that are made from the program's own tables: settings, operations, routes, roles, limits. Each part
 * begins with a line "@@ name"; tools/generate-docs puts it between the markers of that name.
 */
#include "api/admin/admin.h"
#include "api/azure/azure.h"
#include "api/entra/entra.h"
#include "base/buf.h"
#include "base/file.h"
#include "http/limits.h"
#include "server/settings.h"
#include "vault/limits.h"

#include <unistd.h>

#define OUTPUT_MAX_BYTES ((size_t)1024 * 1024)
#define ACTION_PREFIX "Microsoft.KeyVault/vaults/"

static void begin(struct hf_buf *out, const char *name)
{
    hf_buf_putf(out, "@@ %s\n", name);
}

/* ---- operations ---- */

enum op_state {
    OP_DONE,
    OP_MISSING,  /* 501 */
    OP_HSM_ONLY, /* 404: no vault has it, the real ones neither */
};

static enum op_state state_of(const struct api_op *op)
{
    if (op->state == API_DONE)
        return OP_DONE;
    return op->handler == api_missing ? OP_MISSING : OP_HSM_ONLY;
}

/* "secrets" of "/secrets/{name}" and of "/deletedsecrets". */
static bool is_about(const struct api_op *op, const char *collection)
{
    hf_str path = hf_str_sub(hf_str_from_c(op->path), 1, SIZE_MAX);
    if (hf_str_starts(path, HF_LIT("deleted")))
        path = hf_str_sub(path, sizeof("deleted") - 1, SIZE_MAX);
    return hf_str_equal(hf_str_sub(path, 0, hf_str_find(path, '/')), hf_str_from_c(collection));
}

static void put_action(struct hf_buf *out, const struct api_op *op)
{
    if (op->scope == API_SCOPE_NONE) {
        hf_buf_put_c(out, "–");
        return;
    }
    hf_str name = access_action_name(op->action);
    hf_buf_putf(out, "`%.*s`", HF_STR_ARG(hf_str_sub(name, sizeof(ACTION_PREFIX) - 1, SIZE_MAX)));
}

static const char *scope_text(enum api_scope scope)
{
    switch (scope) {
    case API_SCOPE_NONE:
        return "–";
    case API_SCOPE_VAULT:
        return "vault";
    case API_SCOPE_OBJECT:
        return "object";
    }
    return "";
}

static void put_azure_row(struct hf_buf *out, const struct api_op *op)
{
    static const char *const states[] = {
        [OP_DONE] = "done", [OP_MISSING] = "missing: 501", [OP_HSM_ONLY] = "not on a vault: 404"
    };
    hf_str method = http_method_name(op->method);
    hf_buf_putf(out, "| %s | %s | %.*s `%s` | ", op->name, states[state_of(op)], HF_STR_ARG(method),
                op->path);
    put_action(out, op);
    hf_buf_putf(out, " | %s | %s |\n", scope_text(op->scope), op->audit_name);
}

static void put_azure_group(struct hf_buf *out, const char *title, const char *collection,
                            bool hsm_only)
{
    size_t count = 0;
    const struct api_op *ops = azure_ops(&count);
    hf_buf_putf(out,
                "\n### %s\n\n| operation | state | route | data action | asked at | audit name |\n"
                "| --- | --- | --- | --- | --- | --- |\n",
                title);
    for (size_t i = 0; i < count; i++) {
        bool is_hsm = state_of(&ops[i]) == OP_HSM_ONLY;
        if (is_hsm == hsm_only && (hsm_only || is_about(&ops[i], collection)))
            put_azure_row(out, &ops[i]);
    }
}

static void put_operations(struct hf_buf *out)
{
    size_t count = 0;
    const struct api_op *ops = azure_ops(&count);
    size_t in_state[] = { 0, 0, 0 };
    for (size_t i = 0; i < count; i++)
        in_state[state_of(&ops[i])]++;
    begin(out, "operations");
    hf_buf_putf(
        out, "%zu operations: %zu done, %zu missing, %zu that no vault has (managed HSM only).\n",
        count, in_state[OP_DONE], in_state[OP_MISSING], in_state[OP_HSM_ONLY]);
    put_azure_group(out, "Secrets", "secrets", false);
    put_azure_group(out, "Keys", "keys", false);
    put_azure_group(out, "Certificates", "certificates", false);
    put_azure_group(out, "Managed HSM", "", true);
}

static void put_routes(struct hf_buf *out, const char *name, const struct api_op *ops, size_t count)
{
    begin(out, name);
    hf_buf_put_c(out, "| operation | state | route | audit name |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < count; i++) {
        hf_str method = http_method_name(ops[i].method);
        hf_buf_putf(out, "| %s | %s | %.*s `%s` | %s |\n", ops[i].name,
                    ops[i].state == API_DONE ? "done" : "missing: 501", HF_STR_ARG(method),
                    ops[i].path, ops[i].audit_name);
    }
}

/* ---- roles ---- */

static void put_roles(struct hf_buf *out)
{
    size_t count = 0;
    const struct access_role *roles = access_roles(&count);
    begin(out, "roles");
    hf_buf_put_c(out, "| role | id | data actions |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < count; i++) {
        char id[HF_UUID_TEXT_BYTES + 1];
        hf_uuid_format(&roles[i].id, id);
        hf_buf_putf(out, "| %.*s | `%s` | ", HF_STR_ARG(roles[i].name), id);
        const char *const *action = roles[i].data_actions;
        if (*action == NULL)
            hf_buf_put_c(out, "none");
        for (size_t n = 0; action[n] != NULL; n++)
            hf_buf_putf(out, "%s`%s`", n > 0 ? ", " : "", action[n]);
        hf_buf_put_c(out, " |\n");
    }
}

/* ---- limits ---- */

struct limit {
    const char *what;
    size_t value;
    const char *unit;
};

static const struct limit limits[] = {
    { "name of a vault", VAULT_NAME_MAX_CHARS, "characters" },
    { "name of an object", VAULT_OBJECT_NAME_MAX_CHARS, "characters" },
    { "value of a secret", VAULT_SECRET_VALUE_MAX_BYTES, "bytes of UTF-8" },
    { "content type", VAULT_CONTENT_TYPE_MAX_CHARS, "UTF-16 units" },
    { "tags of a version", VAULT_TAGS_MAX, "" },
    { "name or value of a tag of a secret", VAULT_TAG_MAX_CHARS, "UTF-16 units" },
    { "name or value of a tag of a key", VAULT_KEY_TAG_MAX_CHARS, "UTF-16 units" },
    { "items in a page", VAULT_PAGE_MAX_ITEMS, "" },
    { "versions in a backup", VAULT_BACKUP_VERSIONS_MAX, "" },
    { "retention after deletion (at least 7 days)", VAULT_RETENTION_MAX_DAYS, "days" },
    { "body of a request other than a restore", API_BODY_MAX_BYTES, "bytes" },
    { "credentials of an identity", ACCESS_CREDENTIALS_MAX, "" },
    { "requests at once on one HTTP/2 connection", HTTP_H2_STREAMS_MAX, "" },
};
_Static_assert(VAULT_RETENTION_MIN_DAYS == 7, "the text says so");

static void put_limits(struct hf_buf *out)
{
    begin(out, "limits");
    hf_buf_put_c(out, "| what | at most |\n| --- | --- |\n");
    for (size_t i = 0; i < HF_ARRAY_LEN(limits); i++)
        hf_buf_putf(out, "| %s | %zu%s%s |\n", limits[i].what, limits[i].value,
                    limits[i].unit[0] != '\0' ? " " : "", limits[i].unit);
}

int main(void)
{
    struct hf_buf out;
    hf_buf_init(&out, OUTPUT_MAX_BYTES);
    begin(&out, "settings");
    hf_config_write_markdown(server_setting_rows, server_setting_count, &out);
    put_operations(&out);
    size_t count = 0;
    const struct api_op *login = entra_ops(&count);
    put_routes(&out, "login", login, count);
    put_routes(&out, "local", admin_door.ops, admin_door.op_count);
    put_roles(&out);
    put_limits(&out);
    hf_err err = hf_buf_err(&out);
    if (err == HF_OK)
        err = hf_fd_write_all(STDOUT_FILENO, hf_buf_view(&out));
    hf_buf_done(&out);
    return err == HF_OK ? 0 : 1;
}
