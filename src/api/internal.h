/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the shared part of api/ keeps to itself.
 */
#pragma once

#include "api/api.h"

/* Empties the scratch buffer for the next answer; a large one is given back. */
void api_worker_reset_scratch(struct api_worker *worker);

/* ---- gate.c ---- */

/* True if the request was answered with 503: the audit log takes no records, or too much waits. */
bool api_gate_refuses(struct api_service *service, struct http_exchange *exchange,
                      const struct api_door *door, enum http_method method);
/* Once the caller is known. Fails: HF_E_THROTTLED; the call is then counted, not recorded. */
HF_MUST hf_err api_gate_take_quota(struct api_call *call);
/* Whether the finished call gets a record of its own; if not, it was counted. */
bool api_gate_records(struct api_call *call);
/* Before a call waits for the writer or the pool, and when it has waited. Fails: HF_E_UNAVAILABLE (too
 * much waits already; the call is counted, not recorded). */
HF_MUST hf_err api_gate_enter(struct api_call *call, struct api_backlog *backlog);
void api_gate_leave(struct api_call *call, struct api_backlog *backlog);
