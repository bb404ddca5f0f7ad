/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast secret …`: secrets through a vault's public API. A value is printed only by `show`, and there only if asked for.
 */
#include "cli/commands.h"
#include "cli/keyvault.h"
#include "cli/message.h"
#include "cli/moment.h"
#include "cli/value.h"

#include <unistd.h>

#define PATH_MAX_BYTES ((size_t)4 * 1024)
#define BODY_MAX_BYTES                                                                             \
    ((size_t)4 * 1024 * 1024) /* the value with every byte escaped, and the rest */
#define LIST_MAX_BYTES ((size_t)256 * 1024 * 1024)

#define ATTRIBUTE_COLUMNS                                                                          \
    { "Enabled", "attributes.enabled", CLI_CELL_PLAIN },                                           \
        { "Not before", "attributes.nbf", CLI_CELL_TIME },                                         \
        { "Expires", "attributes.exp", CLI_CELL_TIME },                                            \
        { "Created", "attributes.created", CLI_CELL_TIME },                                        \
    {                                                                                              \
        "Updated", "attributes.updated", CLI_CELL_TIME                                             \
    }

static const struct cli_column show_columns[] = {
    { "Name", "id", CLI_CELL_NAME },
    { "Version", "id", CLI_CELL_VERSION },
    { "Id", "id", CLI_CELL_PLAIN },
    { "Content type", "contentType", CLI_CELL_PLAIN },
    ATTRIBUTE_COLUMNS,
    { "Recovery level", "attributes.recoveryLevel", CLI_CELL_PLAIN },
    { "Tags", "tags", CLI_CELL_TAGS },
};

static const struct cli_column deleted_columns[] = {
    { "Name", "id", CLI_CELL_NAME },
    { "Recovery id", "recoveryId", CLI_CELL_PLAIN },
    { "Deleted", "deletedDate", CLI_CELL_TIME },
    { "Purge scheduled", "scheduledPurgeDate", CLI_CELL_TIME },
};

static const struct cli_column list_columns[] = {
    { "NAME", "id", CLI_CELL_NAME },
    { "ENABLED", "attributes.enabled", CLI_CELL_PLAIN },
    { "UPDATED", "attributes.updated", CLI_CELL_TIME },
    { "EXPIRES", "attributes.exp", CLI_CELL_TIME },
    { "CONTENT TYPE", "contentType", CLI_CELL_PLAIN },
    { "TAGS", "tags", CLI_CELL_TAGS },
};

static const struct cli_column version_columns[] = {
    { "VERSION", "id", CLI_CELL_VERSION },
    { "ENABLED", "attributes.enabled", CLI_CELL_PLAIN },
    { "CREATED", "attributes.created", CLI_CELL_TIME },
    { "UPDATED", "attributes.updated", CLI_CELL_TIME },
    { "EXPIRES", "attributes.exp", CLI_CELL_TIME },
    { "CONTENT TYPE", "contentType", CLI_CELL_PLAIN },
    { "TAGS", "tags", CLI_CELL_TAGS },
};

static const struct cli_column deleted_list_columns[] = {
    { "NAME", "id", CLI_CELL_NAME },
    { "DELETED", "deletedDate", CLI_CELL_TIME },
    { "PURGE SCHEDULED", "scheduledPurgeDate", CLI_CELL_TIME },
    { "CONTENT TYPE", "contentType", CLI_CELL_PLAIN },
    { "TAGS", "tags", CLI_CELL_TAGS },
};

/* ---- shared steps ---- */

/* "{collection}/{name}{tail}" */
static void put_path(struct hf_buf *path, const char *collection, const struct cli_input *input,
                     const char *tail)
{
    hf_buf_init(path, PATH_MAX_BYTES);
    hf_buf_put_c(path, collection);
    cli_put_segment(path, input->arguments[0]);
    hf_buf_put_c(path, tail);
}

/* One call to one vault. */
static int send_once(const struct cli_input *input, const struct cli_keyvault_call *call,
                     struct cli_answer *answer)
{
    HF_CLEANUP(cli_keyvault_done) struct cli_keyvault vault;
    const int code = cli_keyvault_open(input, &vault);
    return code == CLI_OK ? cli_keyvault_send(&vault, call, answer) : code;
}

static int send_and_show(const struct cli_input *input, const struct cli_keyvault_call *call,
                         const struct cli_column *columns, size_t count)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    const int code = send_once(input, call, &answer);
    return code == CLI_OK ? cli_show_answer(input, columns, count, &answer) : code;
}

/* ---- set ---- */

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

static int put_attributes(const struct cli_input *input, struct hf_json_writer *w)
{
    hf_jw_key(w, "attributes");
    hf_jw_begin_object(w);
    hf_jw_member_bool(w, "enabled", !cli_has(input, CLI_DISABLED));
    int code = put_time(input, CLI_NOT_BEFORE, "--not-before", "nbf", w);
    if (code == CLI_OK)
        code = put_time(input, CLI_EXPIRES, "--expires", "exp", w);
    hf_jw_end_object(w);
    return code;
}

static int put_tags(const struct cli_input *input, struct hf_json_writer *w)
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

static int put_secret(const struct cli_input *input, struct hf_buf *body)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf value;
    hf_buf_init_secret(&value, CLI_VALUE_MAX_BYTES);
    struct hf_json_writer w = hf_json_writer_on(body);
    hf_jw_begin_object(&w);
    int code = put_attributes(input, &w);
    if (code == CLI_OK)
        code = put_tags(input, &w);
    if (code == CLI_OK && cli_has(input, CLI_CONTENT_TYPE))
        hf_jw_member_c(&w, "contentType", input->values[CLI_CONTENT_TYPE]);
    if (code == CLI_OK)
        code = cli_value_read(input, &value);
    hf_jw_member_str(&w, "value", hf_buf_str(&value));
    hf_jw_end_object(&w);
    return code;
}

/* The service repeats the value; it is known, and need not end in a build's log. */
static int print_without_value(const struct cli_answer *answer)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, BODY_MAX_BYTES);
    cli_put_json(&out, answer->json, "value");
    if (hf_buf_err(&out) != HF_OK)
        return cli_fail(CLI_FAILED, "the answer: %s", hf_err_text(hf_buf_err(&out)));
    return cli_print_line(hf_buf_view(&out));
}

int cli_secret_set(const struct cli_input *input)
{
    HF_CLEANUP(cli_keyvault_done) struct cli_keyvault vault;
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(hf_buf_done) struct hf_buf body;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    put_path(&path, "/secrets", input, "");
    hf_buf_init_secret(&body, BODY_MAX_BYTES);
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    int code = cli_keyvault_open(input, &vault); /* before a person types a value */
    if (code == CLI_OK)
        code = put_secret(input, &body);
    const struct cli_keyvault_call call = { .method = HTTP_PUT, .path = &path, .body = &body };
    if (code == CLI_OK)
        code = cli_keyvault_send(&vault, &call, &answer);
    if (code != CLI_OK)
        return code;
    if (cli_has(input, CLI_JSON))
        return print_without_value(&answer);
    return cli_print_object(show_columns, HF_ARRAY_LEN(show_columns), answer.json);
}

/* ---- show ---- */

/* Byte for byte; a terminal gets a line's end besides. */
static int print_value(const struct cli_answer *answer)
{
    const struct hf_json *value = hf_json_member(answer->json, "value");
    if (value == NULL || hf_json_type(value) != HF_JSON_STRING)
        return cli_fail(CLI_FAILED, "the answer holds no value");
    const hf_bytes bytes = hf_str_bytes(hf_json_str(value));
    return isatty(STDOUT_FILENO) ? cli_print_line(bytes) : cli_print(bytes);
}

static int put_version(const struct cli_input *input, struct hf_buf *path)
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

static int show_deleted(const struct cli_input *input)
{
    if (cli_has(input, CLI_VERSION) || cli_has(input, CLI_VALUE_ONLY))
        return cli_fail(CLI_USAGE, "a deleted secret shows neither versions nor its value");
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    put_path(&path, "/deletedsecrets", input, "");
    const struct cli_keyvault_call call = { .method = HTTP_GET, .path = &path };
    return send_and_show(input, &call, deleted_columns, HF_ARRAY_LEN(deleted_columns));
}

int cli_secret_show(const struct cli_input *input)
{
    if (cli_has(input, CLI_JSON) && cli_has(input, CLI_VALUE_ONLY))
        return cli_fail(CLI_USAGE, "--json and --value-only exclude each other");
    if (cli_has(input, CLI_DELETED))
        return show_deleted(input);
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    put_path(&path, "/secrets", input, "");
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    int code = put_version(input, &path);
    const struct cli_keyvault_call call = { .method = HTTP_GET, .path = &path };
    if (code == CLI_OK)
        code = send_once(input, &call, &answer);
    if (code != CLI_OK)
        return code;
    return cli_has(input, CLI_VALUE_ONLY)
               ? print_value(&answer)
               : cli_show_answer(input, show_columns, HF_ARRAY_LEN(show_columns), &answer);
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

int cli_secret_list(const struct cli_input *input)
{
    const bool is_deleted = cli_has(input, CLI_DELETED);
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    hf_buf_init(&path, PATH_MAX_BYTES);
    hf_buf_put_c(&path, is_deleted ? "/deletedsecrets" : "/secrets");
    if (is_deleted)
        return show_list(input, &path, deleted_list_columns, HF_ARRAY_LEN(deleted_list_columns));
    return show_list(input, &path, list_columns, HF_ARRAY_LEN(list_columns));
}

int cli_secret_versions(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    put_path(&path, "/secrets", input, "/versions");
    return show_list(input, &path, version_columns, HF_ARRAY_LEN(version_columns));
}

/* ---- deletion ---- */

int cli_secret_delete(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    put_path(&path, "/secrets", input, "");
    const struct cli_keyvault_call call = { .method = HTTP_DELETE, .path = &path };
    return send_and_show(input, &call, deleted_columns, HF_ARRAY_LEN(deleted_columns));
}

int cli_secret_recover(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    put_path(&path, "/deletedsecrets", input, "/recover");
    const struct cli_keyvault_call call = { .method = HTTP_POST, .path = &path };
    return send_and_show(input, &call, show_columns, HF_ARRAY_LEN(show_columns));
}

/* The service answers with nothing. */
int cli_secret_purge(const struct cli_input *input)
{
    HF_CLEANUP(hf_buf_done) struct hf_buf path;
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    put_path(&path, "/deletedsecrets", input, "");
    cli_answer_init(&answer, CLI_KEYVAULT_ANSWER_MAX_BYTES);
    const struct cli_keyvault_call call = { .method = HTTP_DELETE, .path = &path };
    const int code = send_once(input, &call, &answer);
    if (code != CLI_OK || !cli_has(input, CLI_JSON))
        return code;
    return cli_print_line(hf_str_bytes(HF_LIT("{}")));
}
