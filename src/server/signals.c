/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals are blocked in all threads and taken by the main thread, one at a time.
 */
#define _GNU_SOURCE
#include "server/signals.h"

#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define NSEC_PER_USEC 1000

static void signal_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
}

void server_block_signals(void)
{
    sigset_t set;
    signal_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* -1 with errno EAGAIN when the time is over. */
static int wait_for(const sigset_t *set, hf_usec until)
{
    if (until == INT64_MAX)
        return sigwaitinfo(set, NULL);
    const hf_usec now = hf_monotonic_now();
    const hf_usec left = until > now ? until - now : 0;
    const struct timespec wait = { .tv_sec = (time_t)(left / HF_USEC_PER_SEC),
                                   .tv_nsec = (long)(left % HF_USEC_PER_SEC) * NSEC_PER_USEC };
    return sigtimedwait(set, NULL, &wait);
}

enum server_signal server_wait_signal(hf_usec timeout)
{
    sigset_t set;
    signal_set(&set);
    const hf_usec until = timeout == INT64_MAX ? INT64_MAX : hf_monotonic_now() + timeout;
    int number = 0;
    do
        number = wait_for(&set, until);
    while (number < 0 && errno == EINTR);
    if (number < 0)
        return SERVER_SIGNAL_TIMEOUT;
    if (number == SIGHUP)
        return SERVER_SIGNAL_RELOAD;
    if (number == SIGUSR1)
        return SERVER_SIGNAL_WOKEN;
    hf_log(HF_LOG_NOTICE, "stopping", HF_KV_INT("signal", number));
    return SERVER_SIGNAL_STOP;
}

void server_wake(void)
{
    (void)kill(getpid(), SIGUSR1);
}
