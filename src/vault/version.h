/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One version of an object: what secrets, keys and all other collections of a vault have in common.
 */
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/encode.h"

#define VAULT_TIME_NONE INT64_MIN

struct vault_tag {
    hf_str name;
    hf_str value;
};

struct vault_tags {
    const struct vault_tag *items;
    size_t count;
};

struct vault_version {
    hf_str name;       /* of the object, in the case it was created with */
    struct hf_uuid id; /* of the version */
    bool enabled;
    bool has_tags;
    bool is_deleted;
    hf_usec not_before; /* VAULT_TIME_NONE if not set */
    hf_usec expires;    /* VAULT_TIME_NONE if not set */
    hf_usec created;
    hf_usec updated;
    struct vault_tags tags;
    hf_bytes particulars;    /* the collection's own, in its own form; only its file looks inside */
    hf_usec deleted_at;      /* if is_deleted */
    hf_usec scheduled_purge; /* if is_deleted */
};

/* What a caller gave; what it did not give has its has_… false. */
struct vault_change {
    bool has_enabled;
    bool has_not_before; /* VAULT_TIME_NONE as value clears */
    bool has_expires;
    bool has_tags;
    bool enabled;
    hf_usec not_before;
    hf_usec expires;
    struct vault_tags tags;
};

struct vault_page {
    struct vault_version *items; /* in the arena */
    size_t count;
    bool more; /* there are items behind the last one */
};
