/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer: sent, checked, read as JSON. The answer lives in secret memory, because it may carry a value.
 */
#pragma once

#include "base/json.h"
#include "http/client.h"

struct cli_answer {
    struct http_client_response http;
    struct hf_json *json; /* NULL if the body is empty or no JSON */
};

/* An empty answer whose body may have up to max bytes. */
void cli_answer_init(struct cli_answer *answer, size_t max);
void cli_answer_done(struct cli_answer *answer);

/* Sends and receives, whatever the status. peer names the other side in messages. Returns an exit code. */
int cli_answer_get(const struct http_client_request *request, const char *peer,
                   struct cli_answer *answer);

/* Turns a status that is no success into the server's message and an exit code; an answer with a body must be JSON. */
int cli_answer_check(const struct cli_answer *answer, const char *peer);

/* Both. */
int cli_answer_send(const struct http_client_request *request, const char *peer,
                    struct cli_answer *answer);

/* Appends '/' and the percent-encoded name. */
void cli_put_segment(struct hf_buf *path, const char *name);
