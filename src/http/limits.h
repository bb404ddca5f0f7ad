/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every fixed limit of the HTTP server, with the attack or cost it stops. What an operator may
 * choose is in struct http_config; the bounds of those choices are here.
 */
#pragma once

#include "base/clock.h"

/* One read: a TLS record carries at most 16 KiB. */
#define HTTP_SCRATCH_BYTES ((size_t)16 * 1024)
/* What a peer may send ahead of its turn (pipelining) before its connection is not read any
 * more. */
#define HTTP_PENDING_SOFT_BYTES ((size_t)16 * 1024)
/* The hard bound above it: what the TLS library had decrypted already. */
#define HTTP_PENDING_MAX_BYTES ((size_t)128 * 1024)
/* Answers of pipelined requests held for one connection before no further request is taken from
 * it. */
#define HTTP_OUT_HIGH_BYTES ((size_t)256 * 1024)
/* One connection's answers, all together. */
#define HTTP_OUT_MAX_BYTES ((size_t)80 * 1024 * 1024)

/* Memory of one request: head, handler's allocations. Most need a few KiB; restoring the largest
 * backup needs 40 MiB. */
#define HTTP_ARENA_MAX_BYTES ((size_t)64 * 1024 * 1024)
/* Request slots and output buffers that a loop keeps for reuse; more are made and freed under
 * load. */
#define HTTP_SPARE_SLOTS_MAX 256
#define HTTP_SPARE_BUFFERS_MAX 32
/* Buffers grown beyond this are given back instead of kept: output, and a request's head and body. */
#define HTTP_KEEP_BUFFER_BYTES ((size_t)64 * 1024)
#define HTTP_KEEP_REQUEST_BYTES ((size_t)4 * 1024)

/*
 * Memory budgets (budget.c). A request costs its place (slot, header table, arena, stream) and the
 * bytes of its head and body, from its first byte until it is answered; counted in units, so that
 * most requests are counted once. Header compression makes 15 bytes from the peer into 64 KiB here.
 */
#define HTTP_SLOT_BYTES ((size_t)12 * 1024)
#define HTTP_BUDGET_UNIT_BYTES ((size_t)4 * 1024)
/* All requests of one connection, besides one with a body of any allowed size: 100 streams with the
 * largest ordinary secret each. */
#define HTTP_CONN_REQUEST_BYTES ((size_t)4 * 1024 * 1024)
/* One address may have this part of http_config.max_body_memory, so that it does not take
 * everybody's. */
#define HTTP_ADDRESS_SHARE 4
/* A body of unknown length grows by doubling up to this, then by a quarter. */
#define HTTP_BODY_DOUBLING_BYTES ((size_t)64 * 1024)
/* HTTP/2: answers that the peer does not take, besides one of any size, before no further request
 * of its connection gets to the handler. */
#define HTTP_CONN_ANSWER_BYTES ((size_t)256 * 1024)
/* What an answer costs besides its bytes. */
#define HTTP_ANSWER_BYTES ((size_t)1024)
/* Unsent answers of one connection that are not worth counting in the budgets. */
#define HTTP_ANSWERS_UNCOUNTED_BYTES ((size_t)16 * 1024)

/* Bounds of http_config.max_header_bytes: http-parser itself stops at 80 KiB. */
#define HTTP_HEADER_BYTES_MIN ((size_t)256)
#define HTTP_HEADER_BYTES_MAX ((size_t)64 * 1024)
#define HTTP_HEADERS_MAX 256

/* A host name is at most 253 characters (RFC 1035 §2.3.4), brackets and colon of an address fit
 * as well. */
#define HTTP_HOST_MAX_BYTES 255
#define HTTP_METHOD_MAX_BYTES 32

/* Headers of an answer, besides those written here. */
#define HTTP_RESPONSE_HEADERS_MAX 32
#define HTTP_ERROR_BODY_MAX_BYTES ((size_t)8 * 1024)

/* HTTP/2: requests at once on one connection. */
#define HTTP_H2_STREAMS_MAX 100
#define HTTP_H2_STREAM_WINDOW_BYTES (256 * 1024)
#define HTTP_H2_CONNECTION_WINDOW_BYTES (1024 * 1024)
/* Rapid reset (CVE-2023-44487): resets allowed at once, and how fast the budget comes back. */
#define HTTP_H2_RESETS_BURST 100
#define HTTP_H2_RESETS_PER_SEC 10
/* Acknowledgements of SETTINGS and PING waiting to be sent: stops floods by a peer that does not
 * read. */
#define HTTP_H2_ACKS_MAX 100
/* Control frames (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, …) the peer may send between two
 * requests. */
#define HTTP_H2_CONTROL_FRAMES_MAX 10000
/* Values in one SETTINGS frame. */
#define HTTP_H2_SETTINGS_MAX 32
/* Frame bytes made ready before they are written to the socket. */
#define HTTP_H2_OUT_HIGH_BYTES ((size_t)64 * 1024)

/* Work waiting for the compute pool: beyond, requests get 503 instead of unbounded waiting. */
#define HTTP_COMPUTE_QUEUE_MAX 4096

#define HTTP_LOOPS_MAX 256
#define HTTP_LISTEN_MAX 32
#define HTTP_LISTEN_BACKLOG 1024
/* Connections accepted in one turn, so that a flood of them does not starve those that are open. */
#define HTTP_ACCEPTS_PER_TURN 32
/* Rest after the system ran out of descriptors. */
#define HTTP_ACCEPT_PAUSE_USEC (100 * HF_USEC_PER_MSEC)
/* After a refusal that asks for patience (http_response.pause), an HTTP/1.1 connection is not read this
 * long, so that a peer without patience costs one refusal a second and not all it can send. */
#define HTTP_PAUSE_USEC (1 * HF_USEC_PER_SEC)
/* After the last answer, the peer's rest is read and dropped this long, so that a reset does not
 * eat the answer. */
#define HTTP_LINGER_USEC (1 * HF_USEC_PER_SEC)
