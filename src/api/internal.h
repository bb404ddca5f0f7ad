/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the shared part of api/ keeps to itself.
 */
#pragma once

#include "api/api.h"

/* Empties the scratch buffer for the next answer; a large one is given back. */
void api_worker_reset_scratch(struct api_worker *worker);
