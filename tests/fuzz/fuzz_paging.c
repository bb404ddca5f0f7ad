/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Continuation tokens of lists. The first byte chooses:
 *
 *   0  a query string: a token in it is taken only if it is the one that this program's fixed key has sealed
 *   1  change (1), place (1), character (1), content: a token of ours is read back; changed in one character, cut short, of
 *      another list or another vault it is refused
 *   2  list (1), maxresults (1), content: the list goes on behind any content in order, page by page, to its end
 */
#include "api/azure/internal.h"
#include "base/assert.h"
#include "base/file.h"
#include "crypto/crypto.h"
#include "vault/vault.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define OUT_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define TOKEN_MAX_BYTES 1024
#define ROOT_BYTE 7
#define SECRETS 40
#define VERSIONS 30
#define PAGES_MAX (SECRETS + 2)
/* What the tokens among the seeds hold: made by this program with its fixed key for the list "secrets". */
#define KNOWN_CONTENT "known"
#define NAME_OF_VERSIONS "many"
#define NOW hf_usec_from_seconds(INT64_C(1767225600))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct hf_arena *arena;
    struct hf_buf out;
    struct store *store;
    struct store_reader *reader;
    struct vault_engine *engine;
    struct vault_view *view;
    struct api_service service;
    struct api_worker worker;
    char folder[64];
} world;

/* ---- the world: a vault with secrets, some of them deleted ---- */

static void run(struct vault_command *command)
{
    HF_ASSERT(store_apply(world.store, &command->store) == HF_OK);
}

static struct vault *find_vault(struct store_txn *txn)
{
    struct vault *vault = NULL;
    HF_ASSERT(vault_find(world.view, txn, HF_LIT("alpha"), &vault) == HF_OK);
    return vault;
}

static void make_secret(const char *name, bool is_deleted)
{
    const struct vault_secret_change change = { .common.has_enabled = false };
    HF_CLEANUP(hf_secret_freep) struct hf_secret *value = NULL;
    struct vault_command *command = NULL;
    struct store_txn *txn = NULL;
    const hf_str text = hf_str_from_c(name);
    HF_ASSERT(hf_secret_from_bytes(hf_str_bytes(text), &value) == HF_OK);
    HF_ASSERT(store_read_begin(world.reader, &txn) == HF_OK);
    struct vault *vault = find_vault(txn);
    store_read_end(txn);
    HF_ASSERT(vault_secret_set(vault, text, value, &change, NOW, world.arena, NULL, &command) ==
              HF_OK);
    run(command);
    if (!is_deleted)
        return;
    HF_ASSERT(vault_secret_delete(vault, text, NOW, world.arena, &command) == HF_OK);
    run(command);
}

static void make_secrets(void)
{
    struct vault_properties properties = { .name = "alpha",
                                           .resource_group = "rg",
                                           .location = "local",
                                           .retention_days = VAULT_RETENTION_DEFAULT_DAYS };
    struct vault_command *command = NULL;
    HF_ASSERT(vault_create(world.engine, &properties, NOW, world.arena, NULL, &command) == HF_OK);
    run(command);
    for (int i = 0; i < SECRETS; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%s%d", i % 3 == 0 ? "Sec-" : "sec", i);
        make_secret(name, i % 4 == 0);
    }
    for (int i = 0; i < VERSIONS; i++)
        make_secret(NAME_OF_VERSIONS, false);
}

/* The files stay open while their folder is gone. */
static void remove_folder(void)
{
    DIR *dir = opendir(world.folder);
    HF_ASSERT(dir != NULL);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
    (void)rmdir(world.folder);
}

static void end_world(void)
{
    crypto_record_key_free(world.worker.paging);
    store_reader_free(world.reader);
    vault_view_free(world.view);
    store_close(world.store);
    vault_engine_free(world.engine);
    hf_buf_done(&world.out);
    hf_arena_free(world.arena);
}

static void begin_world(void)
{
    uint8_t root_bytes[CRYPTO_RECORD_KEY_BYTES];
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = NULL;
    const char *base = getenv("TMPDIR");
    memset(root_bytes, ROOT_BYTE, sizeof(root_bytes));
    HF_ASSERT(crypto_init(NULL) == HF_OK);
    HF_ASSERT(hf_arena_new(ARENA_MAX_BYTES, &world.arena) == HF_OK);
    hf_buf_init_secret(&world.out, OUT_MAX_BYTES);
    HF_ASSERT(hf_secret_from_bytes((hf_bytes){ root_bytes, sizeof(root_bytes) }, &root) == HF_OK);
    (void)snprintf(world.folder, sizeof(world.folder), "%.40s/hf-paging-XXXXXX",
                   base != NULL ? base : "/tmp");
    HF_ASSERT(mkdtemp(world.folder) != NULL);
    const struct store_config config = { .folder = world.folder, .no_sync = true };
    HF_ASSERT(store_open(&config, NULL, &world.store) == HF_OK);
    remove_folder();
    HF_ASSERT(store_reader_new(world.store, &world.reader) == HF_OK);
    HF_ASSERT(vault_engine_new(world.store, root, &world.engine) == HF_OK);
    HF_ASSERT(vault_view_new(world.engine, &world.view) == HF_OK);
    HF_ASSERT(crypto_record_key_new(root, &world.worker.paging) == HF_OK);
    world.service.settings.public_port = 443;
    make_secrets();
    hf_arena_reset(world.arena);
    HF_ASSERT(atexit(end_world) == 0);
}

/* ---- calls ---- */

struct request {
    struct http_request http;
    struct api_call call;
};

static void begin_call(struct request *request, hf_str query)
{
    *request = (struct request){ .http = { .method = HTTP_GET, .query = query } };
    request->call = (struct api_call){ .request = &request->http,
                                       .arena = world.arena,
                                       .service = &world.service,
                                       .worker = &world.worker,
                                       .now = NOW,
                                       .api_version = HF_LIT("7.4"),
                                       .vault_host = HF_LIT("alpha.vault.example.org"),
                                       .out = &world.out };
    memset(request->call.vault_properties.id.b, 1, sizeof(struct hf_uuid));
}

/* The query of the link in nextLink; p == NULL for null. In the arena. */
static hf_str query_of_link(const struct hf_json *link)
{
    const hf_str text = hf_json_str(link);
    const size_t at = hf_str_find(text, '?');
    if (text.p == NULL)
        return text;
    HF_ASSERT(at < text.n);
    return hf_arena_dup_str(world.arena, hf_str_sub(text, at + 1, text.n));
}

/* A query with a token of ours for this content, or p == NULL if it is too long for one. */
static hf_str issue(struct request *request, hf_str list, size_t max, hf_bytes content)
{
    const struct azure_page_request page = { .max = max };
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    hf_buf_reset(&world.out);
    struct hf_json_writer w = hf_json_writer_on(&world.out);
    hf_jw_begin_object(&w);
    if (azure_page_write_next(&request->call, list, &page, true, content, &w) != HF_OK)
        return (hf_str){ NULL, 0 };
    hf_jw_end_object(&w);
    HF_ASSERT(hf_json_parse(hf_buf_view(&world.out), NULL, &root) == HF_OK);
    hf_buf_reset(&world.out);
    return query_of_link(hf_json_member(root, "nextLink"));
}

/* ---- 0: any query ---- */

static void try_query(hf_bytes input)
{
    struct request request;
    struct azure_page_request page;
    begin_call(&request, hf_bytes_str(input));
    if (azure_page_read(&request.call, HF_LIT("secrets"), &page) != HF_OK)
        return;
    HF_ASSERT(page.max >= 1 && page.max <= VAULT_PAGE_MAX_ITEMS);
    HF_ASSERT(page.after.n == 0 || hf_str_equal(hf_bytes_str(page.after), HF_LIT(KNOWN_CONTENT)));
}

/* ---- 1: tokens of ours ---- */

static bool is_read(struct request *request, hf_str list, hf_str query,
                    struct azure_page_request *out)
{
    request->http.query = query;
    return azure_page_read(&request->call, list, out) == HF_OK;
}

/* The same query with its token changed at one place, or cut there if the character is the same. */
static hf_str change_token(hf_str query, uint8_t place, uint8_t character)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=%.";
    static const hf_str name = { "$skiptoken=", 11 };
    const hf_str copy = hf_arena_dup_str(world.arena, query);
    size_t begin = 0;
    while (!hf_str_starts(hf_str_sub(copy, begin, copy.n), name))
        begin++;
    begin += name.n;
    const size_t n = hf_str_find(hf_str_sub(copy, begin, copy.n), '&');
    HF_ASSERT(n > 0);
    const size_t at = begin + place % n;
    char *text = hf_arena_alloc(world.arena, copy.n + 1);
    HF_ASSERT(text != NULL);
    memcpy(text, copy.p, copy.n);
    if (text[at] == alphabet[character % (sizeof(alphabet) - 1)])
        return (hf_str){ text, at };
    text[at] = alphabet[character % (sizeof(alphabet) - 1)];
    return (hf_str){ text, copy.n };
}

static void try_token(hf_bytes input)
{
    if (input.n < 3)
        return;
    static const hf_str lists[] = { { "secrets", 7 }, { "deletedsecrets", 14 } };
    const size_t list = input.p[0] % 2;
    const size_t max = 1 + input.p[2] % VAULT_PAGE_MAX_ITEMS;
    const hf_bytes content = { input.p + 3, input.n - 3 };
    struct request request;
    struct azure_page_request page;
    begin_call(&request, HF_LIT(""));
    const hf_str query = issue(&request, lists[list], max, content);
    if (query.p == NULL) {
        HF_ASSERT(content.n > VAULT_OBJECT_NAME_MAX_CHARS);
        return;
    }
    HF_ASSERT(is_read(&request, lists[list], query, &page));
    HF_ASSERT(page.max == max && hf_bytes_equal(page.after, content));
    const hf_str changed = change_token(query, input.p[1], input.p[2]);
    HF_ASSERT(!is_read(&request, lists[list], changed, &page));
    HF_ASSERT(!is_read(&request, lists[1 - list], query, &page));
    request.call.vault_properties.id.b[0] ^= 1;
    HF_ASSERT(!is_read(&request, lists[list], query, &page));
}

/* ---- 2: lists behind any place ---- */

/* The last part of an item's id, in lower case, is behind the one before it. */
static void expect_order(const struct hf_json *items, char last[TOKEN_MAX_BYTES])
{
    for (size_t i = 0; i < hf_json_size(items); i++) {
        const hf_str id = hf_json_str(hf_json_member(hf_json_at(items, i), "id"));
        size_t begin = id.n;
        while (begin > 0 && id.p[begin - 1] != '/')
            begin--;
        char part[TOKEN_MAX_BYTES];
        (void)snprintf(part, sizeof(part), "%.*s", HF_STR_ARG(hf_str_sub(id, begin, id.n)));
        for (char *p = part; *p != '\0'; p++)
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        HF_ASSERT(strcmp(part, last) > 0);
        memcpy(last, part, sizeof(part));
    }
}

/* One page; *query becomes that of the next. False at the end, or if the place is refused. */
static bool take_page(struct vault *vault, struct store_txn *txn, size_t list, size_t max,
                      hf_str *query, char last[TOKEN_MAX_BYTES])
{
    static const api_handler_fn lists[] = { secret_list, secret_list_deleted,
                                            secret_list_versions };
    struct request request;
    begin_call(&request, *query);
    request.call.vault = vault;
    request.call.vault_properties = *vault_properties_of(vault);
    request.call.txn = txn;
    request.call.params[0] = HF_LIT(NAME_OF_VERSIONS);
    request.call.param_count = 1;
    hf_buf_reset(&world.out);
    const hf_err err = lists[list](&request.call);
    HF_ASSERT(err == HF_OK || err == HF_E_INVALID);
    if (err != HF_OK)
        return false;
    HF_CLEANUP(hf_json_freep) struct hf_json *root = NULL;
    HF_ASSERT(hf_json_parse(hf_buf_view(&world.out), NULL, &root) == HF_OK);
    const struct hf_json *items = hf_json_member(root, "value");
    HF_ASSERT(hf_json_type(items) == HF_JSON_ARRAY && hf_json_size(items) <= max);
    expect_order(items, last);
    *query = query_of_link(hf_json_member(root, "nextLink"));
    HF_ASSERT(query->p == NULL || hf_json_size(items) == max);
    return query->p != NULL;
}

/* Names go by what they are in lower case; a content of 16 bytes is a version's id. */
static void place_of(size_t list, hf_bytes content, char out[TOKEN_MAX_BYTES])
{
    out[0] = '\0';
    if (list < 2 && content.n < TOKEN_MAX_BYTES) {
        for (size_t i = 0; i < content.n; i++)
            out[i] = (char)(content.p[i] >= 'A' && content.p[i] <= 'Z' ? content.p[i] + 32
                                                                       : content.p[i]);
        out[content.n] = '\0';
    } else if (content.n == sizeof(struct hf_uuid)) {
        for (size_t i = 0; i < content.n; i++)
            (void)snprintf(out + 2 * i, 3, "%02x", content.p[i]);
    }
}

static void try_list(hf_bytes input)
{
    static const hf_str names[] = { { "secrets", 7 },
                                    { "deletedsecrets", 14 },
                                    { "secrets/" NAME_OF_VERSIONS "/versions", 21 } };
    if (input.n < 2)
        return;
    const size_t list = input.p[0] % HF_ARRAY_LEN(names);
    const size_t max = 1 + input.p[1] % VAULT_PAGE_MAX_ITEMS;
    const hf_bytes content = { input.p + 2, input.n - 2 };
    struct store_txn *txn = NULL;
    struct request request;
    char last[TOKEN_MAX_BYTES];
    HF_ASSERT(store_read_begin(world.reader, &txn) == HF_OK);
    struct vault *vault = find_vault(txn);
    begin_call(&request, HF_LIT(""));
    request.call.vault_properties = *vault_properties_of(vault);
    hf_str query = issue(&request, names[list], max, content);
    place_of(list, content, last);
    size_t pages = 0;
    while (query.p != NULL && take_page(vault, txn, list, max, &query, last))
        HF_ASSERT(++pages < PAGES_MAX);
    store_read_end(txn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (world.store == NULL)
        begin_world();
    if (size == 0)
        return 0;
    const hf_bytes input = { data + 1, size - 1 };
    if (data[0] == 0)
        try_query(input);
    else if (data[0] == 1)
        try_token(input);
    else
        try_list(input);
    hf_buf_reset(&world.out);
    hf_arena_reset(world.arena);
    return 0;
}
