/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request with libcurl.
 */
#include "http/client.h"

#include <curl/curl.h>
#include <string.h>

struct transfer {
    const struct http_client_request *request;
    struct http_client_response *response;
    char error[CURL_ERROR_SIZE];
};

static void free_easy(CURL *curl)
{
    if (curl != NULL)
        curl_easy_cleanup(curl);
}
HF_DEFINE_FREEP(CURL, free_easy)

/* Headers carry tokens. */
static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *item = list; item != NULL; item = item->next)
        hf_wipe(item->data, strlen(item->data));
    curl_slist_free_all(list);
}
HF_DEFINE_FREEP(struct curl_slist, free_headers)

/* Fewer bytes than given make libcurl stop with CURLE_WRITE_ERROR. */
static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *transfer = user;
    struct hf_buf *body = &transfer->response->body;
    hf_buf_put(body, bytes, size * n);
    return hf_buf_err(body) == HF_OK ? size * n : 0;
}

/* A new status line (after a redirect or 100) starts the headers anew. */
static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *transfer = user;
    struct hf_buf *out = &transfer->response->www_authenticate;
    const hf_str name = HF_LIT("www-authenticate:");
    const hf_str line = { bytes, size * n };
    if (hf_str_starts(line, HF_LIT("HTTP/")))
        hf_buf_reset(out);
    else if (hf_str_starts_nocase(line, name) && out->n == 0)
        hf_buf_put_str(out, hf_str_trim(hf_str_sub(line, name.n, line.n)));
    return hf_buf_err(out) == HF_OK ? size * n : 0;
}

/* "name: value", terminated; a header that would break the line is refused. */
static hf_err add_header(struct curl_slist **list, const struct http_header *header)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf line;
    hf_buf_init_secret(&line, CURL_MAX_HTTP_HEADER);
    hf_buf_put_str(&line, header->name);
    hf_buf_put_c(&line, header->value.n == 0 ? ";" : ": ");
    hf_buf_put_str(&line, header->value);
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '\r' || line.p[i] == '\n' || line.p[i] == '\0')
            return HF_E_INVALID;
    }
    hf_buf_put_u8(&line, 0);
    if (hf_buf_err(&line) != HF_OK)
        return hf_buf_err(&line);
    struct curl_slist *longer = curl_slist_append(*list, (const char *)line.p);
    if (longer == NULL)
        return HF_E_NOMEM;
    *list = longer;
    return HF_OK;
}

static hf_err list_headers(const struct http_client_request *request, struct curl_slist **out)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const hf_err err = add_header(out, &request->headers[i]);
        if (err != HF_OK)
            return err;
    }
    /* No waiting for 100 Continue: bodies are small. */
    struct curl_slist *longer = curl_slist_append(*out, "Expect:");
    if (longer == NULL)
        return HF_E_NOMEM;
    *out = longer;
    return HF_OK;
}

static bool set_target(CURL *curl, const struct http_client_request *request)
{
    const bool is_local = request->local_socket != NULL;
    const char *protocols = is_local ? "http,https" : "https";
    return curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           (!is_local ||
            (curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request->local_socket) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK));
}

static bool set_trust(CURL *curl, const struct http_client_request *request)
{
    return curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           (request->ca_file == NULL ||
            curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file) == CURLE_OK);
}

/* libcurl wants a terminated name; ours are literals. */
static bool set_method(CURL *curl, const struct http_client_request *request)
{
    if (request->method == HTTP_HEAD)
        return curl_easy_setopt(curl, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (request->body.p != NULL &&
        (curl_easy_setopt(curl, CURLOPT_POST, 1L) != CURLE_OK ||
         curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n) !=
             CURLE_OK ||
         curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)request->body.p) != CURLE_OK))
        return false;
    return curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, http_method_name(request->method).p) ==
           CURLE_OK;
}

static bool set_transfer(CURL *curl, struct transfer *transfer)
{
    const long msec = (long)(transfer->request->timeout / HF_USEC_PER_MSEC);
    return curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, msec < 1 ? 1L : msec) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer) == CURLE_OK;
}

static hf_err err_of(CURLcode code, const struct transfer *transfer)
{
    if (hf_buf_err(&transfer->response->body) != HF_OK)
        return hf_buf_err(&transfer->response->body);
    if (hf_buf_err(&transfer->response->www_authenticate) != HF_OK)
        return hf_buf_err(&transfer->response->www_authenticate);
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
        code == CURLE_COULDNT_RESOLVE_PROXY)
        return HF_E_UNAVAILABLE;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return HF_E_UNAUTHENTICATED;
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
        return HF_E_INVALID;
    return HF_E_IO;
}

static hf_err perform(CURL *curl, struct transfer *transfer, struct hf_diag *diag)
{
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        return hf_fail(diag, err_of(code, transfer), "url", "%s",
                       transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code));
    long status = 0;
    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
        return HF_E_IO;
    transfer->response->status = (int)status;
    return HF_OK;
}

hf_err http_client_send(const struct http_client_request *request, struct hf_diag *diag,
                        struct http_client_response *response)
{
    struct transfer transfer = { .request = request, .response = response };
    HF_CLEANUP(free_headersp) struct curl_slist *headers = NULL;
    HF_CLEANUP(free_easyp) CURL *curl = curl_easy_init();
    if (curl == NULL)
        return HF_E_NOMEM;
    const hf_err err = list_headers(request, &headers);
    if (err != HF_OK)
        return hf_fail(diag, err, "headers", "not a well-formed header");
    if (!set_target(curl, request) || !set_trust(curl, request) || !set_method(curl, request) ||
        !set_transfer(curl, &transfer) ||
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK)
        return hf_fail(diag, HF_E_INVALID, "url", "not usable: %s", request->url);
    return perform(curl, &transfer, diag);
}
