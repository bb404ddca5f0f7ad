/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every collection of objects shares: paths, sending and showing, lists over their pages, deletion.
 */
#include "cli/object.h"

#include "cli/commands.h"
#include "cli/message.h"
#include "cli/moment.h"

#define BODY_MAX_BYTES ((size_t)4 * 1024 * 1024) /* of one item of a list */
#define LIST_MAX_BYTES ((size_t)256 * 1024 * 1024)

/* "{collection}/{name}{tail}" */
void cli_object_path(struct hf_buf *path, const char *collection, const struct cli_input *input,
                     const char *tail)
{
    hf_buf_init(path, CLI_OBJECT_PATH_MAX_BYTES);
    hf_buf_put_c(path, collection);
    cli_put_segment(path, input->arguments[0]);
    hf_buf_put_c(path, tail);
}

/* One call to one vault. */
int cli_object_send(const struct cli_input *input, const struct cli_keyvault_call *call,
                    struct cli_answer *answer)
{
    HF_CLEANUP(cli_keyvault_done) struct cli_keyvault vault;
    const int code = cli_keyvault_open(input, &vault);
    return code == CLI_OK ? cli_keyvault_send(&vault, call, answer) : code;
}

int cli_object_send_and_show(const struct cli_input *input, const struct cli_keyvault_call *call,
                             const struct cli_columns *columns)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    const int code = cli_object_send(input, call, &answer);
    return code == CLI_OK ? cli_show_answer(input, columns->rows, columns->count, &answer) : code;
}

/* ---- what a body says about an object ---- */

static int put_time(const struct cli_input *input, enum cli_option option, const char *option_name,
                    const char *member, struct hf_json_writer *w)
{
    const char *text = input->values[option];
    if (text == NULL)
        return CLI_OK;
    const struct hf_clock clock = { 0 };
    int64_t seconds = 0;
    if (cli_moment_parse(hf_str_from_c(text), hf_clock_now(&clock), &seconds) != HF_OK)
        return cli_fail(CLI_USAGE,
                        "%s: '%s' is no time; write 2027-01-31, 2027-01-31T12:00:00Z, seconds "
                        "since 1970, or 90d",
                        option_name, text);
    hf_jw_member_int(w, member, seconds);
    return CLI_OK;
}

int cli_object_put_times(const struct cli_input *input, struct hf_json_writer *w)
{
    const int code = put_time(input, CLI_NOT_BEFORE, "--not-before", "nbf", w);
    return code == CLI_OK ? put_time(input, CLI_EXPIRES, "--expires", "exp", w) : code;
}

int cli_object_put_attributes(const struct cli_input *input, struct hf_json_writer *w)
{
    hf_jw_key(w, "attributes");
    hf_jw_begin_object(w);
    hf_jw_member_bool(w, "enabled", !cli_has(input, CLI_DISABLED));
    const int code = cli_object_put_times(input, w);
    hf_jw_end_object(w);
    return code;
}

int cli_object_put_tags(const struct cli_input *input, struct hf_json_writer *w)
{
    if (input->tag_count == 0)
        return CLI_OK;
    hf_jw_key(w, "tags");
    hf_jw_begin_object(w);
    for (size_t i = 0; i < input->tag_count; i++) {
        const hf_str tag = hf_str_from_c(input->tags[i]);
        const size_t equals = hf_str_find(tag, '=');
        if (equals == tag.n || equals == 0)
            return cli_fail(CLI_USAGE, "--tag: '%s' is not NAME=VALUE", input->tags[i]);
        hf_jw_key_str(w, hf_str_sub(tag, 0, equals));
        hf_jw_str(w, hf_str_sub(tag, equals + 1, SIZE_MAX));
    }
    hf_jw_end_object(w);
    return CLI_OK;
}

int cli_object_put_version(const struct cli_input *input, struct hf_buf *path)
{
    const char *version = input->values[CLI_VERSION];
    if (version == NULL)
        return CLI_OK;
    const hf_str text = hf_str_from_c(version);
    for (size_t i = 0; i < text.n; i++) {
        if (!hf_is_alnum(text.p[i]))
            return cli_fail(CLI_USAGE, "--version: '%s' is no version", version);
    }
    cli_put_segment(path, version);
    return CLI_OK;
}

/* ---- lists ---- */

/* What the pages add up to. */
struct listing {
    bool is_json;
    struct cli_table table;
    struct hf_buf json;
    struct hf_json_writer writer; /* on json */
};

static void add_item(const struct hf_json *item, void *context)
{
    struct listing *listing = context;
    if (!listing->is_json) {
        cli_table_add(&listing->table, item);
        return;
    }
    HF_CLEANUP(hf_buf_done) struct hf_buf text;
    hf_buf_init(&text, BODY_MAX_BYTES);
    cli_put_json(&text, item, NULL);
    if (hf_buf_err(&text) == HF_OK)
        hf_jw_raw(&listing->writer, hf_buf_str(&text));
    else
        listing->json.err = hf_buf_err(&text);
}

static void listing_init(struct listing *listing, const struct cli_input *input,
                         const struct cli_column *columns, size_t count)
{
    listing->is_json = cli_has(input, CLI_JSON);
    cli_table_init(&listing->table, columns, count);
    hf_buf_init(&listing->json, LIST_MAX_BYTES);
    listing->writer = hf_json_writer_on(&listing->json);
    hf_jw_begin_array(&listing->writer);
}

static void listing_done(struct listing *listing)
{
    cli_table_done(&listing->table);
    hf_buf_done(&listing->json);
}

static int print_listing(struct listing *listing)
{
    if (!listing->is_json)
        return cli_table_print(&listing->table);
    hf_jw_end_array(&listing->writer);
    if (hf_buf_err(&listing->json) != HF_OK)
        return cli_fail(CLI_FAILED, "the list: %s", hf_err_text(hf_buf_err(&listing->json)));
    return cli_print_line(hf_buf_view(&listing->json));
}

static int show_list(const struct cli_input *input, const struct hf_buf *path,
                     const struct cli_column *columns, size_t count)
{
    HF_CLEANUP(cli_keyvault_done) struct cli_keyvault vault;
    HF_CLEANUP(listing_done) struct listing listing;
    listing_init(&listing, input, columns, count);
    int code = cli_keyvault_open(input, &vault);
    if (code == CLI_OK)
        code = cli_keyvault_list(&vault, path, add_item, &listing);
    return code == CLI_OK ? print_listing(&listing) : code;
}

int cli_object_list(const struct cli_input *input, const struct cli_collection *kind)
{
    const bool is_deleted = cli_has(input, CLI_DELETED);
    const struct cli_columns *columns = is_deleted ? &kind->deleted_list : &kind->list;
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    hf_buf_init(&path, CLI_OBJECT_PATH_MAX_BYTES);
    hf_buf_put_c(&path, is_deleted ? kind->deleted_path : kind->path);
    return show_list(input, &path, columns->rows, columns->count);
}

int cli_object_versions(const struct cli_input *input, const struct cli_collection *kind)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    cli_object_path(&path, kind->path, input, "/versions");
    return show_list(input, &path, kind->versions.rows, kind->versions.count);
}

/* ---- deletion ---- */

int cli_object_show_deleted(const struct cli_input *input, const struct cli_collection *kind)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    cli_object_path(&path, kind->deleted_path, input, "");
    const struct cli_keyvault_call call = { .method = HTTP_GET, .path = &path };
    return cli_object_send_and_show(input, &call, &kind->deleted);
}

int cli_object_delete(const struct cli_input *input, const struct cli_collection *kind)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    cli_object_path(&path, kind->path, input, "");
    const struct cli_keyvault_call call = { .method = HTTP_DELETE, .path = &path };
    return cli_object_send_and_show(input, &call, &kind->deleted);
}

int cli_object_recover(const struct cli_input *input, const struct cli_collection *kind)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    cli_object_path(&path, kind->deleted_path, input, "/recover");
    const struct cli_keyvault_call call = { .method = HTTP_POST, .path = &path };
    return cli_object_send_and_show(input, &call, &kind->show);
}

/* The service answers with nothing. */
int cli_object_purge(const struct cli_input *input, const struct cli_collection *kind)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_object_path(&path, kind->deleted_path, input, "");
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    const struct cli_keyvault_call call = { .method = HTTP_DELETE, .path = &path };
    const int code = cli_object_send(input, &call, &answer);
    if (code != CLI_OK || !cli_has(input, CLI_JSON))
        return code;
    return cli_print_line(hf_str_bytes(HF_LIT("{}")));
}
