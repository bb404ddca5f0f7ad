/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paging: maxresults, and $skiptoken as an opaque sealed text that holds the last key of the page before, bound to
 * vault and list.
 * It is no offset, so that deleting and adding between pages neither skips nor repeats other items.
 */
#include "api/azure/internal.h"

#include "crypto/crypto.h"

#define TOKEN_FORMAT 1
#define TOKEN_MAX_BYTES 512
#define BINDING_MAX_BYTES 256

/* What a token is bound to: the vault and the list. */
static hf_err make_binding(const struct api_call *call, hf_str list, struct hf_buf *out)
{
    hf_buf_put_c(out, "paging/");
    hf_buf_put(out, call->vault_properties.id.b, sizeof(call->vault_properties.id.b));
    hf_buf_put_str(out, list);
    return hf_buf_err(out);
}

static hf_err open_token(struct api_call *call, hf_str list, hf_str text, hf_bytes *out)
{
    uint8_t binding_memory[BINDING_MAX_BYTES];
    uint8_t sealed_memory[TOKEN_MAX_BYTES];
    struct hf_buf binding;
    struct hf_buf sealed;
    struct hf_buf plain;
    hf_buf_init_fixed(&binding, binding_memory, sizeof(binding_memory));
    hf_buf_init_fixed(&sealed, sealed_memory, sizeof(sealed_memory));
    uint8_t *plain_memory = hf_arena_alloc(call->arena, TOKEN_MAX_BYTES);
    if (plain_memory == NULL)
        return HF_E_NOMEM;
    hf_buf_init_fixed(&plain, plain_memory, TOKEN_MAX_BYTES);

    hf_err err = make_binding(call, list, &binding);
    if (err == HF_OK)
        err = hf_base64url_decode_strict(text, &sealed);
    if (err == HF_OK)
        err = crypto_record_open(call->worker->paging, hf_buf_view(&binding), TOKEN_FORMAT,
                                 hf_buf_view(&sealed), &plain);
    if (err != HF_OK)
        return azure_bad_parameter(call, "The skiptoken is not valid for this list.");
    *out = hf_buf_view(&plain);
    return HF_OK;
}

static hf_err read_max(struct api_call *call, size_t *out)
{
    *out = VAULT_PAGE_MAX_ITEMS;
    hf_str text;
    hf_err err = api_query(call, HF_LIT("maxresults"), &text);
    if (err != HF_OK || text.p == NULL)
        return err;
    uint64_t number = 0;
    if (!hf_str_parse_u64(text, VAULT_PAGE_MAX_ITEMS, &number) || number == 0)
        return azure_bad_parameter(call, "maxresults must be between 1 and %d.",
                                   VAULT_PAGE_MAX_ITEMS);
    *out = (size_t)number;
    return HF_OK;
}

hf_err azure_page_read(struct api_call *call, hf_str list, struct azure_page_request *out)
{
    *out = (struct azure_page_request){ 0 };
    hf_err err = read_max(call, &out->max);
    if (err != HF_OK)
        return err;
    hf_str token;
    err = api_query(call, HF_LIT("$skiptoken"), &token);
    if (err != HF_OK || token.p == NULL)
        return err;
    return open_token(call, list, token, &out->after);
}

static hf_err put_token(struct api_call *call, hf_str list, hf_bytes last, struct hf_buf *out)
{
    uint8_t binding_memory[BINDING_MAX_BYTES];
    uint8_t sealed_memory[TOKEN_MAX_BYTES];
    struct hf_buf binding;
    struct hf_buf sealed;
    hf_buf_init_fixed(&binding, binding_memory, sizeof(binding_memory));
    hf_buf_init_fixed(&sealed, sealed_memory, sizeof(sealed_memory));
    uint8_t nonce[CRYPTO_RECORD_NONCE_BYTES];
    hf_err err = crypto_random(nonce, sizeof(nonce));
    if (err == HF_OK)
        err = make_binding(call, list, &binding);
    if (err == HF_OK)
        err = crypto_record_seal(call->worker->paging, hf_buf_view(&binding), TOKEN_FORMAT, nonce,
                                 last, &sealed);
    if (err != HF_OK)
        return err;
    hf_buf_put_base64url(out, hf_buf_view(&sealed));
    return hf_buf_err(out);
}

hf_err azure_page_write_next(struct api_call *call, hf_str list,
                             const struct azure_page_request *page, bool more, hf_bytes last,
                             struct hf_json_writer *w)
{
    hf_jw_key(w, "nextLink");
    if (!more) {
        hf_jw_null(w);
        return HF_OK;
    }
    size_t size = 2 * (size_t)TOKEN_MAX_BYTES + list.n + call->vault_host.n + call->api_version.n;
    uint8_t *memory = hf_arena_alloc(call->arena, size);
    if (memory == NULL)
        return HF_E_NOMEM;
    struct hf_buf link;
    hf_buf_init_fixed(&link, memory, size);
    /* The real service writes the port, 443 included. */
    hf_buf_putf(
        &link, "https://%.*s:%d/%.*s?api-version=%.*s&$skiptoken=", HF_STR_ARG(call->vault_host),
        call->service->settings.public_port, HF_STR_ARG(list), HF_STR_ARG(call->api_version));
    hf_err err = put_token(call, list, last, &link);
    if (err != HF_OK)
        return err;
    hf_buf_putf(&link, "&maxresults=%zu", page->max);
    hf_jw_str(w, hf_buf_str(&link));
    return hf_buf_err(&link);
}
