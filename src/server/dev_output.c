/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the development server tells programs (the env file) and people (lines to paste).
 */
#include "server/dev_internal.h"

#include "api/entra/entra.h"

#include <stdlib.h>

static void put_line(struct hf_buf *out, const char *prefix, const char *name, hf_str value)
{
    hf_buf_put_c(out, prefix);
    hf_buf_put_c(out, name);
    hf_buf_put_u8(out, '=');
    hf_buf_put_str(out, value);
    hf_buf_put_u8(out, '\n');
}

static void put_secret_line(struct hf_buf *out, const char *prefix, const char *name,
                            const struct hf_secret *value)
{
    hf_buf_putf(out, "%s%s=", prefix, name);
    hf_buf_put_secret(out, value);
    hf_buf_put_u8(out, '\n');
}

static void put_url_line(struct hf_buf *out, const char *prefix, const char *name, hf_str base,
                         const char *tail)
{
    hf_buf_put_c(out, prefix);
    hf_buf_putf(out, "%s=%.*s%s\n", name, HF_STR_ARG(base), tail);
}

/* Clients run in other folders: paths must be absolute. */
static void put_path_line(struct hf_buf *out, const char *prefix, const char *name,
                          const char *path)
{
    char *absolute = realpath(path, NULL);
    put_line(out, prefix, name, hf_str_from_c(absolute != NULL ? absolute : path));
    free(absolute);
}

static void put_ca_lines(struct hf_buf *out, const char *prefix, const char *ca_file)
{
    static const char *const names[] = { "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS",
                                         "REQUESTS_CA_BUNDLE" };
    for (size_t i = 0; i < HF_ARRAY_LEN(names); i++)
        put_path_line(out, prefix, names[i], ca_file);
}

static void put_identity(const struct dev_output *output, const char *prefix, struct hf_buf *out)
{
    const struct api_service *service = output->service;
    hf_buf_put_c(out, prefix);
    hf_buf_putf(out, "AZURE_KEYVAULT_URL=https://dev%.*s%s\n", HF_STR_ARG(service->vault_suffix),
                service->url_port);
    put_url_line(out, prefix, "IDENTITY_ENDPOINT", service->login_url, ENTRA_IDENTITY_PATH);
    put_secret_line(out, prefix, "IDENTITY_HEADER", output->credentials->identity_header);
    put_ca_lines(out, prefix, output->ca_file);
}

static void put_application(const struct dev_output *output, const char *prefix, struct hf_buf *out)
{
    char client_id[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&output->credentials->client_id, client_id);
    put_line(out, prefix, "HOLDFAST_TENANT_ID", output->service->tenant);
    put_line(out, prefix, "HOLDFAST_CLIENT_ID", hf_str_from_c(client_id));
    put_secret_line(out, prefix, "HOLDFAST_CLIENT_SECRET", output->credentials->client_secret);
    put_line(out, prefix, "HOLDFAST_AUTHORITY_HOST", output->service->login_url);
}

hf_err dev_write_env(const struct dev_output *output, struct hf_buf *out)
{
    put_identity(output, "", out);
    put_application(output, "", out);
    put_path_line(out, "", "HOLDFAST_SOCKET", output->admin_socket);
    return hf_buf_err(out);
}

static const char node_example[] =
    "# Node (npm install @azure/keyvault-secrets @azure/identity):\n"
    "node -e 'const {SecretClient} = require(\"@azure/keyvault-secrets\"), "
    "{DefaultAzureCredential} = "
    "require(\"@azure/identity\"); const c = new SecretClient(process.env.AZURE_KEYVAULT_URL, new "
    "DefaultAzureCredential()); c.setSecret(\"hello\", \"world\").then(() => "
    "c.getSecret(\"hello\")).then(s => "
    "console.log(s.value))'\n";

static const char python_example[] =
    "# Python (pip install azure-keyvault-secrets azure-identity):\n"
    "python3 -c 'import os; from azure.identity import DefaultAzureCredential; from "
    "azure.keyvault.secrets import "
    "SecretClient; c = SecretClient(os.environ[\"AZURE_KEYVAULT_URL\"], DefaultAzureCredential()); "
    "c.set_secret(\"hello\", \"world\"); print(c.get_secret(\"hello\").value)'\n";

static void put_curl_example(const struct api_service *service, struct hf_buf *out)
{
    hf_buf_putf(
        out,
        "# curl:\n"
        "TOKEN=$(curl -sS --cacert \"$SSL_CERT_FILE\" -H \"X-IDENTITY-HEADER: $IDENTITY_HEADER\" "
        "\"$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=%.*s\" | sed "
        "'s/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n"
        "curl -sS --cacert \"$SSL_CERT_FILE\" -H \"Authorization: Bearer $TOKEN\" "
        "\"$AZURE_KEYVAULT_URL/secrets/hello?api-version=2025-07-01\"\n",
        HF_STR_ARG(service->vault_resource));
}

hf_err dev_write_banner(const struct dev_output *output, struct hf_buf *out)
{
    hf_buf_putf(out, "Holdfast is ready: https://dev%.*s%s (data in %s; stop with Ctrl-C)\n\n",
                HF_STR_ARG(output->service->vault_suffix), output->service->url_port, output->data);
    hf_buf_put_c(
        out,
        "# Paste this into a shell; DefaultAzureCredential then works with no other change:\n");
    put_identity(output, "export ", out);
    hf_buf_put_c(out, "\n# The same vault with a client secret (authority host, instance discovery "
                      "switched off):\n");
    put_application(output, "export ", out);
    hf_buf_put_c(out, "\n# Administration from this machine (holdfast status, vault, identity, "
                      "role):\n");
    put_path_line(out, "export ", "HOLDFAST_SOCKET", output->admin_socket);
    hf_buf_put_u8(out, '\n');
    hf_buf_put_c(out, node_example);
    hf_buf_put_c(out, python_example);
    put_curl_example(output->service, out);
    hf_buf_put_u8(out, '\n');
    return hf_buf_err(out);
}
