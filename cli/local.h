/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Administration over the server's unix socket: plain HTTP and JSON, open to root and the server's own user.
 */
#pragma once

#include "cli/answer.h"
#include "cli/options.h"

#define CLI_LOCAL_ANSWER_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define CLI_LOCAL_PATH_MAX_BYTES ((size_t)4 * 1024)

/* --socket, else HOLDFAST_SOCKET, else the default. */
const char *cli_local_socket(const struct cli_input *input);

struct cli_local_call {
    enum http_method method;
    const struct hf_buf *path; /* begins with '/' */
    const struct hf_buf *body; /* JSON; NULL for none */
};

/* Sends and checks; returns an exit code. */
int cli_local_send(const struct cli_input *input, const struct cli_local_call *call,
                   struct cli_answer *answer);

/* The same for a path that is a literal, without a body. */
int cli_local_get(const struct cli_input *input, const char *path, struct cli_answer *answer);

/* GET without a word on standard error, for callers that can do without. */
HF_MUST hf_err cli_local_try(const char *socket, const char *path, struct cli_answer *answer);
