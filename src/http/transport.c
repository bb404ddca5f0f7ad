/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to and from the peer: TLS straight on the socket, or the socket alone (local connections).
 */
#include "http/internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>

static enum http_io io_of_tls(const struct http_conn *conn, int result)
{
    const int reason = SSL_get_error(conn->ssl, result);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
        return HTTP_IO_WAIT;
    ERR_clear_error();
    return HTTP_IO_CLOSED;
}

static bool chose_h2(const SSL *ssl)
{
    const unsigned char *name = NULL;
    unsigned int n = 0;
    SSL_get0_alpn_selected(ssl, &name, &n);
    return hf_str_equal((hf_str){ (const char *)name, n }, HF_LIT("h2"));
}

static enum http_io tls_handshake(struct http_conn *conn)
{
    ERR_clear_error();
    const int result = SSL_do_handshake(conn->ssl);
    if (result != 1)
        return io_of_tls(conn, result);
    conn->tls = SSL_version(conn->ssl) == TLS1_3_VERSION ? HTTP_TLS_1_3 : HTTP_TLS_1_2;
    if (chose_h2(conn->ssl) && !http_h2_init(conn))
        return HTTP_IO_CLOSED;
    return HTTP_IO_OK;
}

/* Clearing an empty queue costs more than looking. */
static void clear_old_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

static enum http_io tls_read(struct http_conn *conn, void *buffer, size_t size, size_t *out_n)
{
    clear_old_errors();
    const int result = SSL_read_ex(conn->ssl, buffer, size, out_n);
    return result == 1 ? HTTP_IO_OK : io_of_tls(conn, result);
}

static enum http_io tls_write(struct http_conn *conn, const void *bytes, size_t n, size_t *out_n)
{
    clear_old_errors();
    const int result = SSL_write_ex(conn->ssl, bytes, n, out_n);
    return result == 1 ? HTTP_IO_OK : io_of_tls(conn, result);
}

static bool tls_has_pending(const struct http_conn *conn)
{
    return SSL_has_pending(conn->ssl) == 1;
}

/* The peer's answer to close_notify is not waited for. */
static void tls_end(struct http_conn *conn)
{
    ERR_clear_error();
    (void)SSL_shutdown(conn->ssl);
    ERR_clear_error();
}

const struct http_transport http_transport_tls = {
    .handshake = tls_handshake,
    .read = tls_read,
    .write = tls_write,
    .has_pending = tls_has_pending,
    .end = tls_end,
};

static enum http_io io_of_errno(void)
{
    return errno == EAGAIN || errno == EINTR ? HTTP_IO_WAIT : HTTP_IO_CLOSED;
}

static enum http_io plain_handshake(struct http_conn *conn)
{
    (void)conn;
    return HTTP_IO_OK;
}

static enum http_io plain_read(struct http_conn *conn, void *buffer, size_t size, size_t *out_n)
{
    const ssize_t n = recv(conn->fd, buffer, size, 0);
    if (n == 0)
        return HTTP_IO_CLOSED;
    if (n < 0)
        return io_of_errno();
    *out_n = (size_t)n;
    return HTTP_IO_OK;
}

static enum http_io plain_write(struct http_conn *conn, const void *bytes, size_t n, size_t *out_n)
{
    const ssize_t written = send(conn->fd, bytes, n, MSG_NOSIGNAL);
    if (written < 0)
        return io_of_errno();
    *out_n = (size_t)written;
    return HTTP_IO_OK;
}

static bool plain_has_pending(const struct http_conn *conn)
{
    (void)conn;
    return false;
}

static void plain_end(struct http_conn *conn)
{
    (void)conn;
}

const struct http_transport http_transport_plain = {
    .handshake = plain_handshake,
    .read = plain_read,
    .write = plain_write,
    .has_pending = plain_has_pending,
    .end = plain_end,
};
