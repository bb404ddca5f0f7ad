# SPDX-License-Identifier: Apache-2.0
"""Requests to a server: by name, but always over 127.0.0.1, so that no resolver is needed."""

import http.client
import json
import socket
import ssl
import urllib.parse

API_VERSION = "2026-04-01"


class Connection(http.client.HTTPSConnection):
    """HTTPS to a host name of the server."""

    def __init__(self, server, host, context=None):
        context = context or ssl.create_default_context(cafile=server.ca)
        super().__init__(host, server.port, timeout=30, context=context)

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._context.wrap_socket(raw, server_hostname=self.host)


class Answer:
    """Status, headers (names in lower case) and body."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The code of an error in Azure's form."""
        return self.json["error"]["code"]

    @property
    def message(self):
        return self.json["error"]["message"]

    @property
    def inner(self):
        return self.json["error"].get("innererror", {}).get("code")

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


class Client:
    """A caller: one kept connection to one host, and a token."""

    def __init__(self, server, host, token=None):
        self.server, self.host, self.token = server, host, token
        self.connection = None

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def exchange(self, method, target, body, headers):
        if self.connection is None:
            self.connection = Connection(self.server, self.host)
        self.connection.request(method, target, body, headers)
        response = self.connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, names, response.read())
        if response.will_close:
            self.close()
        return answer

    def send(self, method, target, body=None, headers=None):
        """One request, with the token unless headers say otherwise; a dict is sent as JSON."""
        sent = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogatepass")
        if body is not None:
            sent["content-type"] = "application/json"
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        was_open = self.connection is not None
        try:
            return self.exchange(method, target, body, sent)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            self.close()
            if not was_open:
                raise
            return self.exchange(method, target, body, sent)

    def call(self, method, path, body=None, headers=None, version=API_VERSION, **query):
        """The same with api-version and other query parameters."""
        query = {"api-version": version, **{name.replace("__", "$"): value for name, value in query.items()}}
        return self.send(method, f"{path}?{urllib.parse.urlencode(query)}", body, headers)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def put(self, path, body=None, **options):
        return self.call("PUT", path, body, **options)

    def post(self, path, body=None, **options):
        return self.call("POST", path, body, **options)

    def patch(self, path, body=None, **options):
        return self.call("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.call("DELETE", path, **options)


def vault_client(server, vault="dev", token=None):
    """A client of a vault; the token of the development server's administrator unless another is given."""
    return Client(server, f"{vault}.vault.localhost", identity_token(server) if token is None else token)


def login_client(server):
    return Client(server, "login.localhost")


def identity_token(server, resource=None):
    """A token for the managed identity of a development server; asked for once."""
    resource = resource or server.resource
    if resource not in server.identity_tokens:
        client = login_client(server)
        path = urllib.parse.urlsplit(server.env["IDENTITY_ENDPOINT"]).path
        answer = client.send(
            "GET",
            f"{path}?api-version=2019-08-01&resource={urllib.parse.quote(resource)}",
            headers={"x-identity-header": server.env["IDENTITY_HEADER"]},
        )
        client.close()
        if answer.status != 200:
            raise RuntimeError(f"no token: {answer}")
        server.identity_tokens[resource] = answer.json["access_token"]
    return server.identity_tokens[resource]


def form_post(client, path, form, headers=None):
    """A form to the token endpoint."""
    body = form if isinstance(form, str) else urllib.parse.urlencode(form)
    return client.send(
        "POST", path, body.encode(), {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
    )


def secret_token(server, client_id, client_secret, resource=None):
    """A token by client secret."""
    client = login_client(server)
    answer = form_post(
        client,
        f"/{server.tenant}/oauth2/v2.0/token",
        {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": f"{resource or server.resource}/.default",
        },
    )
    client.close()
    if answer.status != 200:
        raise RuntimeError(f"no token: {answer}")
    return answer.json["access_token"]


class Caller:
    """A new application with a secret, without any role; its token."""

    def __init__(self, server, name):
        self.server = server
        self.identity = server.admin.identity(name)
        self.object_id = self.identity["objectId"]
        self.client_id = self.identity["clientId"]
        self.secret = server.admin.client_secret(self.identity)
        self.token = secret_token(server, self.client_id, self.secret)

    def assign(self, role, scope):
        return self.server.admin.assign(self.object_id, role, scope)

    def client(self, vault="dev"):
        return vault_client(self.server, vault, self.token)
