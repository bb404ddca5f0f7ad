/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version of the program; meson.build has the same (checked by the build).
 */
#pragma once

#define HF_VERSION "0.1.0"

/* What `holdfast --version` adds: a program that does not clear its memory is for one test only (-Dwipe_memory=false). */
#ifdef HF_NO_WIPE
#define HF_VERSION_NOTE " (not a release: memory is not cleared)"
#else
#define HF_VERSION_NOTE ""
#endif
