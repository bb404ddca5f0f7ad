/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the configuration file, one at a time. For config.c and config_doc.c. */
#pragma once

#include "base/buf.h"
#include "base/config.h"

/* Stores the value of one row. NULL, or what is wrong with it, as a sentence's end ("is not a number"). */
const char *hf_config_store(const struct hf_config_row *row, hf_str value, void *target);

/* Empties the row's member. */
void hf_config_clear(const struct hf_config_row *row, void *target);

/* What the row accepts, for people: "1 to 10", "yes or no", "64K to 2G". */
void hf_config_put_allowed(const struct hf_config_row *row, struct hf_buf *out);
