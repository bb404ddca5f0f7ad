/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision. A session's grants are the assignments of the caller and its groups, compiled once per generation: scope in
 * lower case, role as bits. Everything that is not granted is denied.
 */
#include "access/internal.h"

#include <stdlib.h>

static void drop_grants(struct access_session *session)
{
    free(session->grants);
    session->grants = NULL;
    session->grant_count = 0;
    session->granted = false;
}

/*
 * Does this id count for the session? The caller's own principal must (still) be enabled. A group that is called like one
 * of this installation's principals is none.
 */
HF_MUST static hf_err id_counts(struct access_view *view, struct store_txn *txn,
                                const struct access_session *session, const struct hf_uuid *id,
                                bool is_group, bool *out)
{
    struct access_principal principal;
    hf_err err = access_principal_read(view->record_key, txn, id, NULL, &principal);
    if (err != HF_OK && err != HF_E_NOT_FOUND)
        return err;
    bool is_principal = err == HF_OK;
    *out = session->own && !is_group ? is_principal && principal.enabled : !is_principal;
    return HF_OK;
}

/* An arena for the texts of grants would be one allocation more: they stand behind the array, in the same block. */
struct grant_sizes {
    size_t count;
    size_t text_n;
};

/* First pass (grants NULL) counts, second pass fills. */
HF_MUST static hf_err scan_grants(struct access_view *view, struct store_txn *txn,
                                  const struct hf_uuid *id, struct access_grant *grants,
                                  char **text, struct grant_sizes *sizes)
{
    const struct access_key prefix = access_key_assignments(id);
    HF_CLEANUP(access_scan_close) struct access_scan scan = { .cursor = NULL };
    hf_err err = access_scan_open(&scan, view->record_key, txn, &prefix, ACCESS_FORMAT_ASSIGNMENT);
    while (err == HF_OK) {
        err = access_scan_next(&scan);
        if (err != HF_OK)
            break;
        struct access_assignment assignment;
        struct hf_uuid owner;
        err = access_assignment_decode(hf_buf_view(&scan.plain), &assignment);
        if (err != HF_OK)
            return err;
        if (grants != NULL) {
            struct access_grant *grant = &grants[sizes->count];
            hf_str_lower_into(assignment.scope, *text);
            grant->lower_scope = (hf_str){ *text, assignment.scope.n };
            *text += assignment.scope.n;
            grant->bits = access_role_bits(assignment.role);
            err = access_key_read_pair(scan.key, &owner, &grant->assignment_id);
        }
        sizes->count++;
        sizes->text_n += assignment.scope.n;
    }
    return err == HF_E_NOT_FOUND ? HF_OK : err;
}

HF_MUST static hf_err scan_all(struct access_view *view, struct store_txn *txn,
                               const struct access_session *session, struct access_grant *grants,
                               char *text, struct grant_sizes *sizes)
{
    const struct access_caller *caller = &session->caller;
    for (size_t i = 0; i <= caller->group_count; i++) {
        bool is_group = i > 0;
        const struct hf_uuid *id = is_group ? &caller->groups[i - 1] : &caller->object_id;
        bool counts = false;
        hf_err err = id_counts(view, txn, session, id, is_group, &counts);
        if (err == HF_OK && counts)
            err = scan_grants(view, txn, id, grants, &text, sizes);
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

HF_MUST static hf_err load_grants(struct access_view *view, struct store_txn *txn,
                                  struct access_session *session, uint64_t generation)
{
    drop_grants(session);
    struct grant_sizes sizes = { 0, 0 };
    hf_err err = scan_all(view, txn, session, NULL, NULL, &sizes);
    if (err != HF_OK)
        return err;
    size_t grants_n = sizes.count * sizeof(struct access_grant);
    char *block = (char *)calloc(1, grants_n + sizes.text_n + 1);
    if (block == NULL)
        return HF_E_NOMEM;
    struct access_grant *grants = (struct access_grant *)(void *)block;
    struct grant_sizes filled = { 0, 0 };
    err = scan_all(view, txn, session, grants, block + grants_n, &filled);
    if (err != HF_OK) {
        free(block);
        return err;
    }
    session->grants = grants;
    session->grant_count = filled.count;
    session->generation = generation;
    session->granted = true;
    return HF_OK;
}

static void evaluate(const struct access_session *session, enum access_action action,
                     hf_str resource, struct access_decision *out)
{
    uint64_t bit = access_action_bit(action);
    for (size_t i = 0; i < session->grant_count; i++) {
        const struct access_grant *grant = &session->grants[i];
        if (!access_scope_covers(grant->lower_scope, resource))
            continue;
        if ((grant->bits & bit) != 0) {
            *out = (struct access_decision){ .allowed = true,
                                             .reason = ACCESS_ALLOWED_BY_ASSIGNMENT,
                                             .assignment_id = grant->assignment_id };
            return;
        }
        out->reason = ACCESS_DENIED_ROLE_LACKS;
    }
}

hf_err access_decide(struct access_view *view, struct store_txn *txn,
                     const struct access_caller *caller, enum access_action action, hf_str resource,
                     struct access_decision *out)
{
    HF_ASSERT((size_t)action < ACCESS_ACTION_COUNT);
    *out = (struct access_decision){ .allowed = false, .reason = ACCESS_DENIED_NO_ASSIGNMENT };
    struct access_session *session = caller->session;
    uint64_t generation = 0;
    hf_err err = access_generation_read(txn, &generation);
    if (err != HF_OK)
        return err;
    if (!session->granted || session->generation != generation) {
        err = load_grants(view, txn, session, generation);
        if (err != HF_OK)
            return err;
    }
    evaluate(session, action, resource, out);
    return HF_OK;
}
