/* SPDX-License-Identifier: Apache-2.0 */
/* Rotation policies of keys as JSON. */
#include "api/azure/rotation_json.h"

#define FIELD_ACTIONS "lifetimeActions"
#define FIELD_TRIGGER "lifetimeActions.trigger"
#define FIELD_TYPE "lifetimeActions.action.type"

/* The member, or NULL if it is absent or null. */
HF_MUST static hf_err read_member(const struct hf_json *object, const char *name,
                                  enum hf_json_type type, const char *field, struct hf_diag *diag,
                                  const struct hf_json **out)
{
    const struct hf_json *node = hf_json_member(object, name);
    if (node != NULL && hf_json_type(node) == HF_JSON_NULL)
        node = NULL;
    if (node != NULL && hf_json_type(node) != type)
        return hf_fail(diag, HF_E_INVALID, field, "is of the wrong type");
    *out = node;
    return HF_OK;
}

/* None if the member is absent. */
HF_MUST static hf_err read_duration(const struct hf_json *object, const char *name,
                                    const char *field, struct hf_diag *diag,
                                    struct hf_duration *out)
{
    const struct hf_json *node = NULL;
    hf_err err = read_member(object, name, HF_JSON_STRING, field, diag, &node);
    if (err != HF_OK)
        return err;
    *out = (struct hf_duration){ 0 };
    if (node != NULL && hf_duration_parse(hf_json_str(node), out) != HF_OK)
        return hf_fail(diag, HF_E_INVALID, field, "must be a duration such as P90D, P3M or P1Y");
    return HF_OK;
}

HF_MUST static hf_err read_trigger(const struct hf_json *item, struct hf_diag *diag,
                                   struct vault_rotation_action *out)
{
    const struct hf_json *trigger = NULL;
    struct hf_duration after = { 0 };
    struct hf_duration before = { 0 };
    hf_err err = read_member(item, "trigger", HF_JSON_OBJECT, FIELD_TRIGGER, diag, &trigger);
    if (err == HF_OK)
        err = read_duration(trigger, "timeAfterCreate", FIELD_TRIGGER ".timeAfterCreate", diag,
                            &after);
    if (err == HF_OK)
        err = read_duration(trigger, "timeBeforeExpiry", FIELD_TRIGGER ".timeBeforeExpiry", diag,
                            &before);
    if (err != HF_OK)
        return err;
    if (hf_duration_is_none(&after) == hf_duration_is_none(&before))
        return hf_fail(diag, HF_E_INVALID, FIELD_TRIGGER,
                       "must have exactly one of timeAfterCreate and timeBeforeExpiry");
    *out = hf_duration_is_none(&after)
               ? (struct vault_rotation_action){ VAULT_TRIGGER_BEFORE_EXPIRY, before }
               : (struct vault_rotation_action){ VAULT_TRIGGER_AFTER_CREATE, after };
    return HF_OK;
}

/* Where the action goes in the policy. */
HF_MUST static hf_err find_action(const struct hf_json *item, struct hf_diag *diag,
                                  struct vault_rotation_policy *policy,
                                  struct vault_rotation_action **out)
{
    const struct hf_json *action = NULL;
    const struct hf_json *type = NULL;
    hf_err err = read_member(item, "action", HF_JSON_OBJECT, "lifetimeActions.action", diag,
                             &action);
    if (err == HF_OK)
        err = read_member(action, "type", HF_JSON_STRING, FIELD_TYPE, diag, &type);
    if (err != HF_OK)
        return err;
    if (hf_str_equal_nocase(hf_json_str(type), HF_LIT("Rotate")))
        *out = &policy->rotate;
    else if (hf_str_equal_nocase(hf_json_str(type), HF_LIT("Notify")))
        *out = &policy->notify;
    else
        return hf_fail(diag, HF_E_INVALID, FIELD_TYPE, "must be Rotate or Notify");
    return HF_OK;
}

HF_MUST static hf_err read_action(const struct hf_json *item, struct hf_diag *diag,
                                  struct vault_rotation_policy *policy)
{
    if (item == NULL || hf_json_type(item) != HF_JSON_OBJECT)
        return hf_fail(diag, HF_E_INVALID, FIELD_ACTIONS, "holds what is no object");
    struct vault_rotation_action *action = &policy->rotate;
    const hf_err err = find_action(item, diag, policy, &action);
    if (err != HF_OK)
        return err;
    if (action->trigger != VAULT_TRIGGER_NONE)
        return hf_fail(diag, HF_E_INVALID, FIELD_ACTIONS, "holds one type of action twice");
    return read_trigger(item, diag, action);
}

hf_err azure_rotation_policy_read(const struct hf_json *body, struct hf_diag *diag,
                                  struct vault_rotation_policy *out)
{
    if (body == NULL || hf_json_type(body) != HF_JSON_OBJECT)
        return hf_fail(diag, HF_E_INVALID, FIELD_ACTIONS, "the body is no object");
    struct vault_rotation_policy policy = { .created = VAULT_TIME_NONE,
                                            .updated = VAULT_TIME_NONE };
    const struct hf_json *actions = NULL;
    const struct hf_json *attributes = NULL;
    hf_err err = read_member(body, FIELD_ACTIONS, HF_JSON_ARRAY, FIELD_ACTIONS, diag, &actions);
    if (err == HF_OK)
        err = read_member(body, "attributes", HF_JSON_OBJECT, "attributes", diag, &attributes);
    if (err == HF_OK)
        err = read_duration(attributes, "expiryTime", "attributes.expiryTime", diag,
                            &policy.expiry_time);
    /* A third action is one of a type that was there. */
    for (size_t i = 0; err == HF_OK && actions != NULL && i < hf_json_size(actions); i++)
        err = read_action(hf_json_at(actions, i), diag, &policy);
    if (err == HF_OK)
        *out = policy;
    return err;
}

/* ---- out ---- */

static void write_duration(struct hf_json_writer *w, const char *name,
                           const struct hf_duration *duration)
{
    char memory[HF_DURATION_TEXT_MAX_BYTES];
    struct hf_buf text;
    hf_buf_init_fixed(&text, memory, sizeof memory);
    hf_buf_put_duration(&text, duration);
    hf_jw_member_str(w, name, hf_buf_str(&text));
}

static void write_action(struct hf_json_writer *w, const struct vault_rotation_action *action,
                         const char *type)
{
    if (action->trigger == VAULT_TRIGGER_NONE)
        return;
    hf_jw_begin_object(w);
    hf_jw_key(w, "trigger");
    hf_jw_begin_object(w);
    write_duration(
        w, action->trigger == VAULT_TRIGGER_AFTER_CREATE ? "timeAfterCreate" : "timeBeforeExpiry",
        &action->time);
    hf_jw_end_object(w);
    hf_jw_key(w, "action");
    hf_jw_begin_object(w);
    hf_jw_member_c(w, "type", type);
    hf_jw_end_object(w);
    hf_jw_end_object(w);
}

static void write_time(struct hf_json_writer *w, const char *name, hf_usec t)
{
    if (t != VAULT_TIME_NONE)
        hf_jw_member_int(w, name, hf_usec_to_seconds(t));
}

void azure_rotation_policy_write(const struct vault_rotation_policy *policy, hf_str id,
                                 struct hf_json_writer *w)
{
    hf_jw_begin_object(w);
    hf_jw_member_str(w, "id", id);
    hf_jw_key(w, FIELD_ACTIONS);
    hf_jw_begin_array(w);
    write_action(w, &policy->rotate, "Rotate");
    write_action(w, &policy->notify, "Notify");
    hf_jw_end_array(w);
    hf_jw_key(w, "attributes");
    hf_jw_begin_object(w);
    if (hf_duration_is_none(&policy->expiry_time)) {
        hf_jw_key(w, "expiryTime");
        hf_jw_null(w);
    } else {
        write_duration(w, "expiryTime", &policy->expiry_time);
    }
    write_time(w, "created", policy->created);
    write_time(w, "updated", policy->updated);
    hf_jw_end_object(w);
    hf_jw_end_object(w);
}
