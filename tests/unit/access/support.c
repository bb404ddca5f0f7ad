/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of access/ share.
 */
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_MAX_BYTES ((size_t)32 * 1024 * 1024)

static void folder_make(char *path, size_t size)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(path, size, "%s/holdfast-access-XXXXXX", base != NULL ? base : "/tmp");
    assert_true(n > 0 && (size_t)n < size);
    assert_non_null(mkdtemp(path));
}

static void folder_remove(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
    assert_int_equal(rmdir(path), 0);
}

struct access_config support_config(void)
{
    static const char *const audiences[] = { SUPPORT_AUDIENCE, "https://vault.azure.net", NULL };
    return (struct access_config){
        .tenant = support_uuid(SUPPORT_TENANT),
        .login_url = SUPPORT_LOGIN,
        .audiences = audiences,
        .token_lifetime = SUPPORT_LIFETIME,
        .clock_skew = SUPPORT_SKEW,
        .signing_key_lifetime = SUPPORT_KEY_LIFETIME,
    };
}

struct hf_secret *support_root_key(uint8_t fill)
{
    struct hf_secret *key = NULL;
    EXPECT_OK(hf_secret_new(32, &key));
    memset(hf_secret_edit(key), fill, 32);
    return key;
}

void support_open(struct support *s, const struct access_trusted_issuer *trusted, size_t count)
{
    *s = (struct support){ .now = SUPPORT_START };
    EXPECT_OK(crypto_init(&s->diag));
    folder_make(s->folder, sizeof(s->folder));
    const struct store_config store = { .folder = s->folder, .no_sync = true };
    EXPECT_OK(store_open(&store, &s->diag, &s->store));
    EXPECT_OK(store_reader_new(s->store, &s->reader));
    EXPECT_OK(store_read_begin(s->reader, &s->txn));
    EXPECT_OK(hf_arena_new(ARENA_MAX_BYTES, &s->arena));
    HF_CLEANUP(hf_secret_freep) struct hf_secret *root = support_root_key(7);
    struct access_config config = support_config();
    config.store = s->store;
    config.root_key = root;
    config.trusted = trusted;
    config.trusted_count = count;
    hf_err err = access_engine_new(&config, &s->diag, &s->engine);
    if (err != HF_OK)
        fail_msg("access_engine_new: %s %s: %s", hf_err_name(err), s->diag.field, s->diag.text);
    EXPECT_OK(access_view_new(s->engine, &s->view));
}

void support_close(struct support *s)
{
    store_read_end(s->txn);
    store_reader_free(s->reader);
    access_view_free(s->view);
    access_engine_free(s->engine);
    store_close(s->store);
    hf_arena_free(s->arena);
    folder_remove(s->folder);
}

void support_refresh(struct support *s)
{
    store_read_end(s->txn);
    EXPECT_OK(store_read_begin(s->reader, &s->txn));
}

hf_err support_apply(struct support *s, struct access_command *command)
{
    store_read_end(s->txn);
    hf_err err = store_apply(s->store, &command->store);
    EXPECT_OK(store_read_begin(s->reader, &s->txn));
    return err;
}

struct access_principal support_principal(struct support *s, enum access_principal_kind kind,
                                          const char *name)
{
    struct access_command *command = NULL;
    EXPECT_OK(access_principal_create(s->engine, kind, hf_str_from_c(name), s->now, s->arena,
                                      &s->diag, &command));
    EXPECT_OK(support_apply(s, command));
    return command->principal;
}

void support_signing_key(struct support *s)
{
    struct access_command *command = NULL;
    EXPECT_OK(access_signing_key_maintain(s->view, s->txn, s->now, s->arena, &command));
    assert_non_null(command);
    EXPECT_OK(support_apply(s, command));
}

/* The text of a signed order, in the arena; the order is done. */
static hf_str finish_order(struct support *s, struct access_token_order *order)
{
    access_token_sign(order);
    EXPECT_OK(order->result);
    hf_str text = hf_arena_dup_str(s->arena, hf_buf_str(&order->text));
    assert_non_null(text.p);
    access_token_order_done(order);
    return text;
}

hf_str support_token(struct support *s, const struct access_principal *principal)
{
    const struct access_client client = { .principal = *principal, .appidacr = HF_LIT("1") };
    struct access_token_order order;
    EXPECT_OK(access_token_prepare(s->view, s->txn, &client, HF_LIT(SUPPORT_AUDIENCE), s->now,
                                   s->arena, &order));
    return finish_order(s, &order);
}

hf_str support_sign(struct support *s, const struct crypto_key *key,
                    enum crypto_signature algorithm, const char *header, const char *payload)
{
    struct hf_buf text;
    hf_buf_init(&text, CRYPTO_JWT_MAX_BYTES * 2);
    EXPECT_OK(
        crypto_jwt_sign(key, algorithm, hf_str_from_c(header), hf_str_from_c(payload), &text));
    hf_str copy = hf_arena_dup_str(s->arena, hf_buf_str(&text));
    hf_buf_done(&text);
    return copy;
}

hf_str support_sign_own(struct support *s, const char *payload)
{
    const struct access_client client = { .appidacr = HF_LIT("1") };
    struct access_token_order order;
    EXPECT_OK(access_token_prepare(s->view, s->txn, &client, HF_LIT(SUPPORT_AUDIENCE), s->now,
                                   s->arena, &order));
    order.payload_json = hf_str_from_c(payload);
    return finish_order(s, &order);
}

hf_str support_claims(struct support *s, const struct access_principal *principal)
{
    char oid[HF_UUID_TEXT_BYTES + 1];
    hf_uuid_format(&principal->object_id, oid);
    return hf_arena_printf(
        s->arena,
        "\"aud\":\"" SUPPORT_AUDIENCE "\",\"iss\":\"https://sts.windows.net/" SUPPORT_TENANT
        "/\",\"oid\":\"%s\",\"sub\":\"%s\",\"tid\":\"" SUPPORT_TENANT "\",\"ver\":\"1.0\"",
        oid, oid);
}

hf_err support_verify(struct support *s, hf_str token)
{
    const struct access_caller *caller = NULL;
    s->diag = (struct hf_diag){ .field = "" };
    hf_err err = access_token_verify(s->view, s->txn, token, s->now, s->arena, &s->diag, &caller);
    if (err == HF_OK)
        access_caller_release(s->view, caller);
    return err;
}

struct access_decision support_decide(struct support *s, hf_str token, enum access_action action,
                                      const char *resource)
{
    const struct access_caller *caller = NULL;
    EXPECT_OK(access_token_verify(s->view, s->txn, token, s->now, s->arena, &s->diag, &caller));
    struct access_decision decision;
    EXPECT_OK(access_decide(s->view, s->txn, caller, action, hf_str_from_c(resource), &decision));
    access_caller_release(s->view, caller);
    return decision;
}

struct hf_uuid support_assign(struct support *s, const struct hf_uuid *principal, const char *role,
                              const char *scope)
{
    const struct access_role *found = NULL;
    EXPECT_OK(access_role_find(hf_str_from_c(role), &found));
    struct access_command *command = NULL;
    EXPECT_OK(access_assign(s->engine, principal, found, hf_str_from_c(scope), s->now, s->arena,
                            &s->diag, &command));
    EXPECT_OK(support_apply(s, command));
    return command->assignment_id;
}

struct hf_uuid support_uuid(const char *text)
{
    struct hf_uuid uuid;
    EXPECT_OK(hf_uuid_parse(hf_str_from_c(text), &uuid));
    return uuid;
}
