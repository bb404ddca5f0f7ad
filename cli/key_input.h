/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands on keys take besides options: an algorithm, content from a file or standard input, short bytes as text.
 */
#pragma once

#include "cli/object.h"

#include "crypto/operation.h"

#define CLI_KEY_INPUT_MAX_BYTES ((size_t)256 * 1024) /* more than a server takes in one request */
#define CLI_KEY_BODY_MAX_BYTES ((size_t)512 * 1024)  /* the same in base64url, and the rest */

/* The argument FILE; NULL for standard input. */
const char *cli_key_file(const struct cli_input *input);
/* Its name in messages. */
const char *cli_key_file_name(const char *file);
/* Appends the content of a file (NULL or "-": standard input) to out, a secret buffer. Returns an exit code. */
int cli_key_read(const char *file, struct hf_buf *out);

/* --alg, one that has the use (CRYPTO_USE_*). Returns an exit code. */
int cli_key_algorithm(const struct cli_input *input, unsigned use, const struct crypto_alg **out);

/*
 * Appends the bytes that the value of the option --name spells: hexadecimal if it has the digits for `size` bytes, else
 * base64url, which must be `size` bytes then. Returns an exit code.
 */
int cli_key_decode(const char *name, const char *text, size_t size, struct hf_buf *out);
/* The text of a file as base64url, white space around it ignored: replaces buf's content by the bytes. */
int cli_key_decode_content(const char *file, struct hf_buf *buf);

/* The member `name` with bytes as base64url. */
void cli_key_put_bytes(struct hf_json_writer *w, const char *name, hf_bytes bytes);
/* Appends the bytes of the answer's member "value" to out. Returns an exit code. */
int cli_key_take_value(const struct cli_answer *answer, struct hf_buf *out);

/*
 * POSTs the body to "/keys/{name}/{version}/{operation}". version: of the text or, if that is empty, the newest. answer is
 * initialised by the caller. Returns an exit code.
 */
int cli_key_call(const struct cli_input *input, hf_str version, const char *operation,
                 const struct hf_buf *body, struct cli_answer *answer);
