/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server as a whole: checks the configuration, binds, starts and stops the threads.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* sched_getaffinity */
#endif

#include "http/internal.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Cores this process may run on: a container or taskset gives it fewer than the machine has. */
static size_t core_count(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
        return (size_t)CPU_COUNT(&cores);
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (size_t)n;
}

static hf_err check_limits(const struct http_config *config, struct hf_diag *diag)
{
    if (config->max_header_bytes < HTTP_HEADER_BYTES_MIN ||
        config->max_header_bytes > HTTP_HEADER_BYTES_MAX)
        return hf_fail(diag, HF_E_INVALID, "max_header_bytes", "must be %zu to %zu",
                       HTTP_HEADER_BYTES_MIN, HTTP_HEADER_BYTES_MAX);
    if (config->max_headers < 1 || config->max_headers > HTTP_HEADERS_MAX)
        return hf_fail(diag, HF_E_INVALID, "max_headers", "must be 1 to %d", HTTP_HEADERS_MAX);
    if (config->max_connections < 1 || config->max_connections_per_address < 1)
        return hf_fail(diag, HF_E_INVALID, "max_connections", "must be at least 1");
    if (config->max_body_memory < 1)
        return hf_fail(diag, HF_E_INVALID, "max_body_memory", "must be at least 1");
    return HF_OK;
}

static hf_err check_config(const struct http_config *config, struct hf_diag *diag)
{
    const hf_err err = http_listen_check(config, diag);
    if (err != HF_OK)
        return err;
    if (config->loops > HTTP_LOOPS_MAX || config->compute_threads > HTTP_LOOPS_MAX)
        return hf_fail(diag, HF_E_INVALID, "loops", "must be at most %d", HTTP_LOOPS_MAX);
    if (config->handshake_timeout <= 0 || config->header_timeout <= 0 ||
        config->body_timeout <= 0 || config->idle_timeout <= 0 || config->write_timeout <= 0 ||
        config->drain_timeout < 0)
        return hf_fail(diag, HF_E_INVALID, "timeout",
                       "every time-out must be above zero (drain: or zero)");
    return check_limits(config, diag);
}

static hf_err make_loops(struct http_server *server)
{
    const struct http_config *config = &server->config;
    const size_t count = config->loops == 0 ? core_count() : config->loops;
    server->loops = calloc(count, sizeof(*server->loops));
    if (server->loops == NULL)
        return HF_E_NOMEM;
    while (server->loop_count < count) {
        struct http_loop *loop = &server->loops[server->loop_count];
        const hf_err err = http_loop_init(loop, server, server->loop_count);
        server->loop_count++;
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

static void add_listener(struct http_loop *loop, int fd, bool is_local)
{
    struct http_listener *listener = &loop->listeners[loop->listener_count++];
    *listener = (struct http_listener){ .loop = loop, .fd = fd, .is_local = is_local };
    http_deadline_init(&listener->rest);
}

static hf_err bind_all(struct http_server *server, struct hf_diag *diag)
{
    const struct http_config *config = &server->config;
    for (size_t i = 0; i < config->listen_count; i++) {
        int fds[HTTP_LOOPS_MAX];
        for (size_t k = 0; k < HTTP_LOOPS_MAX; k++)
            fds[k] = -1;
        const hf_err err = http_listen_bind(config, i, server->loop_count, diag, fds,
                                            &server->ports[i]);
        for (size_t k = 0; k < server->loop_count; k++) {
            if (fds[k] >= 0)
                add_listener(&server->loops[k], fds[k], false);
        }
        if (err != HF_OK)
            return err;
    }
    return HF_OK;
}

static hf_err bind_local(struct http_server *server, struct hf_diag *diag)
{
    if (server->config.local_socket == NULL)
        return HF_OK;
    const hf_err err = http_local_open(&server->local, server->config.local_socket, diag);
    if (err != HF_OK)
        return err;
    add_listener(&server->loops[0], server->local.fd, true);
    server->local.fd = -1;
    return HF_OK;
}

static hf_err set_up(struct http_server *server, struct hf_diag *diag)
{
    const struct http_config *config = &server->config;
    hf_err err = check_config(config, diag);
    if (err == HF_OK)
        err = http_peers_init(&server->peers, config->max_connections,
                              config->max_connections_per_address);
    if (err == HF_OK && config->listen_count > 0) {
        err = http_tls_init(&server->tls, config->certificate_file, config->key_file, diag);
        server->has_tls = err == HF_OK;
    }
    const size_t threads = config->compute_threads == 0 ? core_count() : config->compute_threads;
    if (err == HF_OK)
        err = http_pool_init(&server->pool, threads);
    if (err == HF_OK)
        err = http_pool_init(&server->long_pool, (threads + 1) / 2);
    if (err == HF_OK)
        err = make_loops(server);
    if (err == HF_OK)
        err = bind_all(server, diag);
    return err == HF_OK ? bind_local(server, diag) : err;
}

hf_err http_server_check(const struct http_config *config, struct hf_diag *diag)
{
    hf_err err = http_listen_check(config, diag);
    if (err != HF_OK || config->listen_count == 0)
        return err;
    struct http_tls tls;
    err = http_tls_init(&tls, config->certificate_file, config->key_file, diag);
    if (err == HF_OK)
        http_tls_done(&tls);
    return err;
}

hf_err http_server_new(const struct http_config *config, const struct http_callbacks *callbacks,
                       struct hf_diag *diag, struct http_server **out)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return HF_E_NOMEM;
    server->config = *config;
    server->callbacks = *callbacks;
    server->local.fd = -1;
    pthread_mutex_init(&server->m, NULL);
    pthread_cond_init(&server->drained, NULL);
    const hf_err err = set_up(server, diag);
    if (err != HF_OK) {
        http_server_free(server);
        return err;
    }
    /* What these point to is the caller's and may go now. */
    server->config.listen = NULL;
    server->config.certificate_file = NULL;
    server->config.key_file = NULL;
    server->config.local_socket = NULL;
    *out = server;
    return HF_OK;
}

hf_err http_server_start(struct http_server *server)
{
    (void)signal(SIGPIPE, SIG_IGN);
    server->state = HTTP_SERVER_STARTED;
    hf_err err = http_pool_start(&server->pool);
    if (err == HF_OK)
        err = http_pool_start(&server->long_pool);
    for (size_t i = 0; i < server->loop_count && err == HF_OK; i++)
        err = http_loop_start(&server->loops[i]);
    if (err != HF_OK)
        http_server_stop(server);
    return err;
}

void http_server_loop_drained(struct http_server *server)
{
    pthread_mutex_lock(&server->m);
    server->loops_drained++;
    pthread_cond_signal(&server->drained);
    pthread_mutex_unlock(&server->m);
}

static void drain_loops(struct http_server *server)
{
    size_t running = 0;
    for (size_t i = 0; i < server->loop_count; i++) {
        if (!server->loops[i].has_thread)
            continue;
        running++;
        http_loop_post(&server->loops[i], &server->loops[i].drain_task);
    }
    pthread_mutex_lock(&server->m);
    while (server->loops_drained < running)
        pthread_cond_wait(&server->drained, &server->m);
    pthread_mutex_unlock(&server->m);
}

static void end_loops(struct http_server *server)
{
    for (size_t i = 0; i < server->loop_count; i++) {
        struct http_loop *loop = &server->loops[i];
        if (!loop->has_thread)
            continue;
        http_loop_post(loop, &loop->end_task);
        pthread_join(loop->thread, NULL);
        loop->has_thread = false;
    }
}

/* The pools end between draining and ending: their results still find their loops. */
void http_server_stop(struct http_server *server)
{
    if (server->state != HTTP_SERVER_STARTED)
        return;
    server->state = HTTP_SERVER_STOPPED;
    drain_loops(server);
    http_pool_stop(&server->pool);
    http_pool_stop(&server->long_pool);
    end_loops(server);
    http_local_close(&server->local);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    http_server_stop(server);
    for (size_t i = 0; i < server->loop_count; i++)
        http_loop_done(&server->loops[i]);
    free(server->loops);
    http_local_close(&server->local);
    http_pool_done(&server->pool);
    http_pool_done(&server->long_pool);
    if (server->has_tls)
        http_tls_done(&server->tls);
    http_peers_done(&server->peers);
    pthread_cond_destroy(&server->drained);
    pthread_mutex_destroy(&server->m);
    free(server);
}

int http_server_port(const struct http_server *server, size_t index)
{
    return index < server->config.listen_count ? server->ports[index] : 0;
}

size_t http_server_loops(const struct http_server *server)
{
    return server->loop_count;
}

struct http_loop *http_server_loop(struct http_server *server, size_t index)
{
    return &server->loops[index];
}

hf_err http_server_reload_certificate(struct http_server *server, struct hf_diag *diag)
{
    return server->has_tls ? http_tls_reload(&server->tls, diag) : HF_OK;
}

struct http_stats http_server_stats(const struct http_server *server)
{
    struct http_stats stats = {
        .connections_open = atomic_load(&server->connections_open),
        .connections_total = atomic_load(&server->connections_total),
        .connections_refused = atomic_load(&server->connections_refused),
    };
    for (size_t i = 0; i < server->loop_count; i++)
        stats.requests_total += atomic_load_explicit(&server->loops[i].requests,
                                                     memory_order_relaxed);
    return stats;
}
