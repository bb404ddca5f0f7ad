/* SPDX-License-Identifier: Apache-2.0 */
/* What is written of a JSON tree: again as JSON, and in cells. */
#include "support.h"

#include "cli/output.h"

#include <stdio.h>
#include <unistd.h>

#define OUTPUT_MAX_BYTES ((size_t)4096)

static struct hf_json *parse(const char *text)
{
    struct hf_json *json = NULL;
    struct hf_diag diag = { 0 };
    assert_int_equal(hf_json_parse(hf_str_bytes(hf_str_from_c(text)), &diag, &json), HF_OK);
    return json;
}

static void test_json_is_written_as_it_was_read(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        const char *skip;
        const char *written;
    } cases[] = {
        { "[]", NULL, "[]" },
        { "{\"a\":[1,-2,true,null,\"x\\n\"],\"b\":{}}", NULL,
          "{\"a\":[1,-2,true,null,\"x\\n\"],\"b\":{}}" },
        { "{\"value\":\"v\",\"x\":{\"value\":1}}", "value", "{\"x\":{\"value\":1}}" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        HF_CLEANUP(hf_json_freep) struct hf_json *json = parse(cases[i].text);
        HF_CLEANUP(hf_buf_done) struct hf_buf out;
        hf_buf_init(&out, OUTPUT_MAX_BYTES);
        cli_put_json(&out, json, cases[i].skip);
        assert_int_equal(hf_buf_err(&out), HF_OK);
        assert_text(hf_buf_str(&out), cases[i].written);
    }
}

static void test_json_real_number_is_refused(void **state HF_UNUSED)
{
    HF_CLEANUP(hf_json_freep) struct hf_json *json = parse("[1.5]");
    HF_CLEANUP(hf_buf_done) struct hf_buf out;
    hf_buf_init(&out, OUTPUT_MAX_BYTES);
    cli_put_json(&out, json, NULL);
    assert_int_equal(hf_buf_err(&out), HF_E_UNSUPPORTED);
}

static const struct cli_column columns[] = {
    { "NAME", "id", CLI_CELL_NAME },   { "VERSION", "id", CLI_CELL_VERSION },
    { "ON", "a.on", CLI_CELL_PLAIN },  { "AT", "a.at", CLI_CELL_TIME },
    { "TAGS", "tags", CLI_CELL_TAGS }, { "EITHER", "x.y|z", CLI_CELL_PLAIN },
};

static void test_table_cells_are_made_by_kind(void **state HF_UNUSED)
{
    static const struct {
        const char *text;
        const char *cells; /* '|' for NUL */
    } cases[] = {
        { "{}", "-|-|-|-|-|-|" },
        { "{\"id\":\"https://h/secrets/n/v\",\"a\":{\"on\":true,\"at\":0},\"tags\":{\"k\":\"v\","
          "\"l\":\"m\"},\"x\":{\"y\":3}}",
          "n|v|yes|1970-01-01 00:00:00Z|k=v, l=m|3|" },
        { "{\"id\":\"https://h/secrets/n\",\"a\":{\"on\":false,\"at\":null},\"tags\":{},\"z\":"
          "\"e\\u001b[0m\"}",
          "n|-|no|-|-|e?[0m|" },
        { "{\"id\":5,\"a\":7,\"tags\":[]}", "-|-|-|-|-|-|" },
        { "{\"a\":{\"at\":-5}}", "-|-|-|-5|-|-|" },
    };
    for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
        HF_CLEANUP(hf_json_freep) struct hf_json *json = parse(cases[i].text);
        HF_CLEANUP(cli_table_done) struct cli_table table;
        cli_table_init(&table, columns, HF_ARRAY_LEN(columns));
        cli_table_add(&table, json);
        for (size_t k = 0; k < table.cells.n; k++) {
            if (table.cells.p[k] == '\0')
                table.cells.p[k] = '|';
        }
        assert_text(hf_buf_str(&table.cells), cases[i].cells);
    }
}

/* Standard output becomes a file for one call. */
static void print_to(FILE *file, const struct cli_table *table)
{
    (void)fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    const int code = cli_table_print(table);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    assert_int_equal(code, 0);
}

static void test_table_columns_are_aligned_by_characters(void **state HF_UNUSED)
{
    static const struct cli_column two[] = { { "A", "a", CLI_CELL_PLAIN },
                                             { "B", "b", CLI_CELL_PLAIN } };
    HF_CLEANUP(hf_json_freep) struct hf_json *first = parse("{\"a\":\"\xc3\xa4\xc3\xb6\",\"b\":1}");
    HF_CLEANUP(hf_json_freep) struct hf_json *second = parse("{\"a\":\"xyz\",\"b\":2}");
    HF_CLEANUP(cli_table_done) struct cli_table table;
    cli_table_init(&table, two, HF_ARRAY_LEN(two));
    cli_table_add(&table, first);
    cli_table_add(&table, second);
    FILE *file = tmpfile();
    assert_non_null(file);
    print_to(file, &table);
    char text[128] = "";
    rewind(file);
    const size_t n = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    assert_text((hf_str){ text, n }, "A    B\n\xc3\xa4\xc3\xb6   1\nxyz  2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_is_written_as_it_was_read),
        cmocka_unit_test(test_json_real_number_is_refused),
        cmocka_unit_test(test_table_cells_are_made_by_kind),
        cmocka_unit_test(test_table_columns_are_aligned_by_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
