/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running server: everything wired together, from settings to threads. Used by `holdfast serve` and `holdfast dev`.
 */
#pragma once

#include "api/api.h"
#include "server/installation.h"
#include "server/settings.h"

struct server_instance;

struct server_options {
    bool movable_clock;     /* tests: the clock can be moved over the local socket */
    bool accept_audit_loss; /* start although the audit log ends before what the store has seen */
};

/*
 * Opens store, audit log and listeners with the opened seal's roots, which stay the caller's; nothing is served yet.
 * Fails with diag telling what and how to mend it.
 */
HF_MUST hf_err server_instance_new(const struct server_settings *settings,
                                   const struct seal_roots *roots,
                                   const struct server_options *options, struct hf_diag *diag,
                                   struct server_instance **out);
/* Its audit log, for what was done before the start; the instance's. */
struct audit_log *server_instance_audit(struct server_instance *instance);
/* Starts serving and the maintenance thread. */
HF_MUST hf_err server_instance_start(struct server_instance *instance);
/* Drains, stops the threads, notes the audit log's head, closes everything. Accepts NULL and half-built instances. */
void server_instance_free(struct server_instance *instance);

enum server_end {
    SERVER_END_STOPPED, /* SIGTERM or SIGINT */
    SERVER_END_SEALED,  /* the operator asked to seal */
};
/* Until it is to end, which the caller does; SIGHUP reads the certificate again. The signals must be blocked in all threads
 * (server_block_signals()). */
enum server_end server_instance_wait(struct server_instance *instance);

/* The port of the first listener, also if the settings let any free one be taken. */
int server_instance_port(const struct server_instance *instance);

/* For the development server's set-up, before the start. */
struct api_service *server_instance_service(struct server_instance *instance);
struct crypto_record_key *server_instance_record_key(struct server_instance *instance);
