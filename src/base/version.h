/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version of the program; meson.build has the same (checked by the build).
 */
#pragma once

#define HF_VERSION "0.1.0"
