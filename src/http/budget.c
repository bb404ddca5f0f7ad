/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory budgets: what requests under way and answers not taken may cost, by connection, by address
 * and in all. Requests that do not fit are refused; answers are only counted, and while there are
 * too many of them, no request begins.
 */
#include "http/internal.h"

/* Local connections are counted and never refused: whoever looks into an attack needs them. */
static size_t max_in_all(const struct http_conn *conn)
{
    return conn->peer.is_local ? SIZE_MAX : conn->loop->server->config.max_body_memory;
}

static size_t max_of_address(const struct http_conn *conn)
{
    return max_in_all(conn) / HTTP_ADDRESS_SHARE;
}

/* --- requests --------------------------------------------------------------------------------- */

/* Other threads may see the bytes for a moment even if they do not fit. */
static bool take(atomic_size_t *used, size_t n, size_t max)
{
    if (atomic_fetch_add(used, n) + n <= max)
        return true;
    atomic_fetch_sub(used, n);
    return false;
}

/* One request of the connection may have a large body: the first that needs it. */
static bool fits_connection(struct http_slot *slot, size_t n)
{
    struct http_conn *conn = slot->conn;
    if (conn->large == slot || conn->request_bytes + n <= HTTP_CONN_REQUEST_BYTES)
        return true;
    if (conn->large != NULL || !slot->is_head_complete)
        return false;
    conn->large = slot;
    conn->request_bytes -= slot->charged;
    return true;
}

static bool fits_address(const struct http_conn *conn, size_t n)
{
    return conn->peer_usage == NULL ||
           take(&conn->peer_usage->request_bytes, n, max_of_address(conn));
}

/* What is to be charged before the slot holds `more` bytes: whole units. */
static size_t missing_charge(const struct http_slot *slot, size_t more)
{
    const size_t bytes = HTTP_SLOT_BYTES + slot->head.n + slot->body.n + more;
    if (bytes <= slot->charged)
        return 0;
    const size_t missing = bytes - slot->charged;
    return (missing + HTTP_BUDGET_UNIT_BYTES - 1) / HTTP_BUDGET_UNIT_BYTES * HTTP_BUDGET_UNIT_BYTES;
}

bool http_slot_charge(struct http_slot *slot, size_t more)
{
    struct http_conn *conn = slot->conn;
    const size_t n = missing_charge(slot, more);
    if (n == 0)
        return true;
    if (!fits_connection(slot, n) || !fits_address(conn, n))
        return false;
    if (!take(&conn->loop->server->usage.request_bytes, n, max_in_all(conn))) {
        if (conn->peer_usage != NULL)
            atomic_fetch_sub(&conn->peer_usage->request_bytes, n);
        return false;
    }
    if (conn->large != slot)
        conn->request_bytes += n;
    slot->charged += n;
    return true;
}

void http_slot_discharge_conn(struct http_slot *slot)
{
    struct http_conn *conn = slot->conn;
    if (conn->large == slot)
        conn->large = NULL;
    else
        conn->request_bytes -= slot->charged;
    if (conn->peer_usage != NULL && slot->charged > 0)
        atomic_fetch_sub(&conn->peer_usage->request_bytes, slot->charged);
}

void http_slot_discharge(struct http_slot *slot)
{
    if (slot->conn != NULL)
        http_slot_discharge_conn(slot);
    if (slot->charged > 0)
        atomic_fetch_sub(&slot->exchange.loop->server->usage.request_bytes, slot->charged);
    slot->charged = 0;
}

static bool has_room(const atomic_size_t *used, size_t n, size_t max)
{
    const size_t now = atomic_load_explicit(used, memory_order_relaxed);
    return now <= max && n <= max - now;
}

bool http_slot_could_charge(const struct http_slot *slot, uint64_t n)
{
    const struct http_conn *conn = slot->conn;
    if (n > max_in_all(conn))
        return false;
    const size_t missing = missing_charge(slot, (size_t)n);
    return has_room(&conn->loop->server->usage.request_bytes, missing, max_in_all(conn)) &&
           (conn->peer_usage == NULL ||
            has_room(&conn->peer_usage->request_bytes, missing, max_of_address(conn)));
}

/* --- answers ---------------------------------------------------------------------------------- */

bool http_conn_may_begin(const struct http_conn *conn)
{
    return has_room(&conn->loop->server->usage.answer_bytes, 0, max_in_all(conn)) &&
           (conn->peer_usage == NULL ||
            has_room(&conn->peer_usage->answer_bytes, 0, max_of_address(conn)));
}

/* to - from, also below zero: unsigned arithmetic wraps round. */
static void move(struct http_usage *usage, size_t from, size_t to)
{
    atomic_fetch_add(&usage->answer_bytes, to - from);
}

void http_conn_count_answers(struct http_conn *conn)
{
    const size_t unsent = conn->answer_bytes + conn->out.n;
    const size_t bytes = unsent <= HTTP_ANSWERS_UNCOUNTED_BYTES ? 0 : unsent;
    if (bytes == conn->answers_charged)
        return;
    move(&conn->loop->server->usage, conn->answers_charged, bytes);
    if (conn->peer_usage != NULL)
        move(conn->peer_usage, conn->answers_charged, bytes);
    conn->answers_charged = bytes;
}
