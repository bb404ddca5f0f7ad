/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the main thread waits for: signals from outside, and a word from its own threads.
 */
#pragma once

#include "base/clock.h"

enum server_signal {
    SERVER_SIGNAL_STOP,   /* SIGTERM or SIGINT */
    SERVER_SIGNAL_RELOAD, /* SIGHUP */
    SERVER_SIGNAL_WOKEN,  /* server_wake(), or SIGUSR1 from outside: look what there is to do */
    SERVER_SIGNAL_TIMEOUT,
};

/* To be called before the first thread, which all inherit it. */
void server_block_signals(void);
/* Main thread. timeout: INT64_MAX for none. */
enum server_signal server_wait_signal(hf_usec timeout);
/* Any thread; several calls may be one wake-up. */
void server_wake(void);
