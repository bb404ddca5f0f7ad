/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of operations: every row is complete and unambiguous, and all 88 operations of the specification are there.
 */
#include "support.h"

#include "api/admin/admin.h"
#include "api/azure/azure.h"
#include "api/entra/entra.h"

#include <string.h>

#define KEY_VAULT_OPERATIONS 88
#define SECRET_OPERATIONS 12
#define KEY_OPERATIONS 20

static size_t count_parameters(const char *path)
{
    size_t count = 0;
    for (; *path != '\0'; path++)
        count += *path == '{' ? 1 : 0;
    return count;
}

static void check_rows(const struct api_door *door)
{
    for (size_t i = 0; i < door->op_count; i++) {
        const struct api_op *op = &door->ops[i];
        assert_non_null(op->name);
        assert_non_null(op->audit_name);
        assert_non_null(op->handler);
        assert_int_equal(op->path[0], '/');
        assert_true(count_parameters(op->path) <= API_PARAMS_MAX);
        assert_true(op->scope != API_SCOPE_OBJECT || count_parameters(op->path) > 0);
        assert_true(op->handler != api_missing || op->state == API_MISSING);
        assert_true(op->state == API_DONE || op->run == API_RUN_READ);
    }
}

static void test_ops_rows_are_complete(void **state)
{
    (void)state;
    check_rows(&azure_door);
    check_rows(&entra_door);
    check_rows(&admin_door);
}

/* Both forms of restore status share a route: the specification lists them as two operations. */
static void test_ops_method_and_path_are_unique(void **state)
{
    (void)state;
    size_t twins = 0;
    for (size_t i = 0; i < azure_door.op_count; i++) {
        for (size_t k = i + 1; k < azure_door.op_count; k++) {
            const struct api_op *a = &azure_door.ops[i];
            const struct api_op *b = &azure_door.ops[k];
            twins += a->method == b->method && strcmp(a->path, b->path) == 0 ? 1 : 0;
            assert_string_not_equal(a->name, b->name);
        }
    }
    assert_int_equal(twins, 1);
}

static void test_ops_all_of_the_specification_are_listed(void **state)
{
    (void)state;
    size_t count = 0;
    const struct api_op *ops = azure_ops(&count);
    assert_int_equal(count, KEY_VAULT_OPERATIONS);
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        done += ops[i].state == API_DONE ? 1 : 0;
        if (ops[i].state == API_DONE)
            assert_true(strstr(ops[i].path, "secrets") != NULL ||
                        strstr(ops[i].path, "keys") != NULL);
    }
    assert_int_equal(done, SECRET_OPERATIONS + KEY_OPERATIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops_rows_are_complete),
        cmocka_unit_test(test_ops_method_and_path_are_unique),
        cmocka_unit_test(test_ops_all_of_the_specification_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
