/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all front doors share: the table row of an operation, the call under way, and the dispatcher that does everything
 * that is the same for all operations, in one order:
 *
 *   admit (host, authentication, api-version) → route → authorize → body → handler → error mapping → audit → answer
 *
 * A handler parses, calls the domain and answers; it holds no authorisation, no audit call and no memory management.
 *
 * Threads: a call belongs to its loop thread. An API_RUN_COMMIT call is lent to the writer thread between submission and its
 * continuation; an API_RUN_COMPUTE call to a pool thread.
 */
#pragma once

#include "access/access.h"
#include "api/overload.h"
#include "api/quota.h"
#include "api/refusal.h"
#include "audit/audit.h"
#include "base/arena.h"
#include "base/json.h"
#include "crypto/record.h"
#include "http/http.h"
#include "store/store.h"
#include "vault/key.h"
#include "vault/vault.h"

/* Bytes of a request body unless the operation's row says otherwise: a secret of 25 600 bytes, escaped six-fold, with tags. */
#define API_BODY_MAX_BYTES ((size_t)192 * 1024)
/* Bytes of an answer at most: a backup of 500 versions, base64url. */
#define API_ANSWER_MAX_BYTES ((size_t)72 * 1024 * 1024)

/* A text view as an initialiser of static data, where HF_LIT() is no constant. */
#define API_TEXT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

#define API_PARAMS_MAX 4
#define API_HEADERS_MAX 24

struct api_call;
struct api_door;
struct api_backups;
struct api_sealing;

typedef hf_err (*api_handler_fn)(struct api_call *call);

enum api_run {
    API_RUN_READ,   /* answers from the snapshot before returning */
    API_RUN_COMMIT, /* sets call->command; call->finish runs after it is durable */
    /*
     * sets call->compute, which or whose call->prepare may leave a command; call->finish runs after all. What is quick may be
     * answered at once, without.
     */
    API_RUN_COMPUTE,
    API_RUN_MAKE, /* the same for what may take seconds, with threads and a backlog of its own: making keys */
};

/* What the decision is about. */
enum api_scope {
    API_SCOPE_NONE,   /* no role needed: the door admits */
    API_SCOPE_VAULT,  /* the vault: lists, restore */
    API_SCOPE_OBJECT, /* one object: the first path parameter */
};

enum api_state {
    API_DONE,
    API_MISSING, /* answers 501 and stands in docs/compatibility.md as missing */
};

/* One operation. Routing, access, audit name, limits and documentation come from this row. */
struct api_op {
    const char *name;       /* of the specification: "SetSecret" */
    const char *audit_name; /* "SecretSet" */
    enum http_method method;
    /* "/secrets/{name}/{version?}": a parameter with '?' may be empty or left out at the end */
    const char *path;
    enum access_action action;
    enum api_scope scope;
    enum api_run run;
    api_handler_fn handler; /* never NULL */
    enum api_state state;
    size_t body_max; /* bytes; 0: API_BODY_MAX_BYTES */
};

/* Settings of the installation that front doors show to clients. Immutable after start. */
struct api_settings {
    const char *domain;   /* "example.org": vaults are <name>.vault.<domain> */
    int public_port;      /* in URLs; left out when 443 */
    const char *location; /* region name, e.g. "local" */
    struct hf_uuid tenant;
    struct hf_uuid subscription;
    bool movable_clock; /* the clock may be moved over the local socket (tests) */
    hf_usec token_lifetime;
    hf_usec target_delay;   /* see overload.h; 0: nothing is refused for being too slow */
    int64_t principal_rate; /* requests per second of one caller; 0: no quota */
    int64_t vault_rate;     /* and of one vault */
};

/* One per loop thread (and one for the maintenance thread). */
struct api_worker {
    struct store_reader *reader;
    struct vault_view *vaults;
    struct access_view *access;
    struct audit_batch *audit;
    struct crypto_record_key *paging; /* seals continuation tokens */
    /* answers are written here; used between two points of one thread only */
    struct hf_buf scratch;
    struct vault_key_cache *keys;
    struct api_overload overload;
    bool has_new_records; /* in the batch, since the last before_flush */
};

/* One per process. Immutable after api_service_init(). */
struct api_service {
    struct store *store;
    struct vault_engine *vaults;
    struct access_engine *access;
    struct audit_log *audit;
    struct hf_clock *clock;
    struct api_settings settings;
    /* 32 bytes; used during api_service_init() and api_worker_init() */
    const struct hf_secret *paging_key;
    struct api_worker *workers; /* one per loop */
    size_t worker_count;
    /* texts made once from the settings, in an arena of their own */
    struct hf_arena *texts;
    hf_str vault_suffix;        /* ".vault.example.org" */
    hf_str login_host;          /* "login.example.org" */
    hf_str login_url;           /* "https://login.example.org:8443" */
    hf_str vault_resource;      /* "https://vault.example.org:8443": audience of vault tokens */
    hf_str challenge;           /* value of WWW-Authenticate */
    hf_str tenant;              /* text */
    hf_str subscription;        /* text */
    char url_port[8];           /* ":8443" or "" */
    struct http_server *server; /* for counters; NULL before start */
    hf_usec started;
    /* who may come in: any thread */
    struct api_backlog commits;  /* commands handed to the writer */
    struct api_backlog computes; /* computations handed to the pool */
    struct api_backlog makings;  /* and those that take long */
    struct api_quota principal_quota;
    struct api_quota vault_quota;
    struct api_quota strangers;     /* records of callers without a valid token, by address */
    struct api_quota all_strangers; /* and of all of them together */
    struct api_refusals refusals;
    /* the front doors: which one is chosen by host */
    const struct api_door *vault_door; /* <name>.vault.<domain>, and whatever fits nowhere */
    const struct api_door *login_door; /* login.<domain> */
    const struct api_door *local_door; /* the local socket */
    const struct api_backups *backups; /* of the whole server: api/backups.h */
    const struct api_sealing *sealing; /* api/sealing.h */
};

/* What an error answer says; empty text: taken from the door's table. */
struct api_error {
    int status;
    hf_str code;
    hf_str inner;
    hf_str message;
};

struct api_call {
    struct http_exchange *exchange;
    const struct http_request *request;
    struct hf_arena *arena;
    struct api_service *service;
    struct api_worker *worker;
    const struct api_door *door;
    const struct api_op *op; /* NULL until routed */
    struct store_txn *txn;   /* while the handler of a READ or the preparation of a COMMIT runs */
    hf_usec now;             /* the call's one reading of the clock */
    enum http_method method; /* after X-HTTP-METHOD */
    hf_str params[API_PARAMS_MAX];
    size_t param_count;
    hf_str api_version;
    struct hf_json *body; /* NULL if none; freed with the call */

    struct vault *vault;                      /* while txn is open */
    struct vault_properties vault_properties; /* a copy, valid longer */
    hf_str vault_host;                        /* "dev.vault.example.org" */
    hf_str resource_id;                       /* of the vault */
    const struct access_caller *caller;       /* released with the call */
    struct access_decision decision;
    bool decided;

    struct hf_diag diag;
    struct api_error error;
    hf_str object_text; /* "name" or "name/version", for messages */

    int status;
    struct hf_buf *out; /* the body: the worker's scratch buffer, secret memory */
    struct http_header headers[API_HEADERS_MAX];
    size_t header_count;
    char request_id[HF_UUID_TEXT_BYTES + 1];

    struct store_command *command;      /* COMMIT: set by the handler */
    void (*compute)(struct api_call *); /* COMPUTE: set by the handler; pool thread */
    /* after compute, if it went well: on the loop thread with txn open again, to set command; NULL for none */
    api_handler_fn prepare;
    /* COMMIT, COMPUTE: continuation on the loop thread; looks at result first */
    api_handler_fn finish;
    /* Runs at the end of the call, whether the continuation ran or not; NULL for none. */
    void (*release)(struct api_call *);
    void *state;   /* the handler's own, for its continuation */
    hf_err result; /* of the command */
    struct http_task task;
    struct http_work work;
    struct api_backlog_ticket ticket; /* while it waits for the writer or the pool */

    struct audit_record audit;
    bool skip_audit; /* health probes and public documents only */
};

/* A front door: one cloud's wire format. */
struct api_door {
    const char *name;
    const struct api_op *ops;
    size_t op_count;
    /* Whether the sender of a request may send a body above API_BODY_MAX_BYTES, known from its head; NULL: yes. */
    bool (*may_send_large)(struct api_service *service, struct http_exchange *exchange);
    /* Before routing. An error ends the call; it may have set call->error. */
    hf_err (*admit)(struct api_call *call);
    /* After routing (and only if a row was found). */
    hf_err (*authorize)(struct api_call *call);
    /* Parses call->request->body into what handlers of this door expect. */
    hf_err (*read_body)(struct api_call *call);
    /* Writes status, headers and body for err. */
    void (*write_error)(struct api_call *call, hf_err err);
    /* Common headers and the door's members of the audit record; after the handler or write_error. */
    void (*complete)(struct api_call *call);
};

/* ---- dispatch.c ---- */

/* Makes texts and workers. The members up to settings, and the doors, are set by the caller. */
HF_MUST hf_err api_service_init(struct api_service *service, size_t workers);
void api_service_done(struct api_service *service);
HF_MUST hf_err api_worker_init(struct api_service *service, struct api_worker *worker);
void api_worker_done(struct api_worker *worker);

/* The callbacks for http_server_new(); context is the service. */
extern const struct http_callbacks api_http_callbacks;

/* ---- route.c ---- */

/* Finds the row for method and path, and fills call->op and call->params (percent-decoded, in the arena). Fails:
 * HF_E_NOT_FOUND (no such
 * path), HF_E_UNSUPPORTED (path known, method not), HF_E_INVALID (bad escape). */
HF_MUST hf_err api_route(struct api_call *call);
/* The largest body for a request to this door. */
size_t api_route_body_max(const struct api_door *door, enum http_method method, hf_str path);
/* A decoded query parameter, name without case; p == NULL if absent. Fails: HF_E_INVALID (bad escape). */
HF_MUST hf_err api_query(struct api_call *call, hf_str name, hf_str *out);

/* ---- for handlers ---- */

/* both live until the answer */
void api_add_header(struct api_call *call, hf_str name, hf_str value);
/* Sets call->error, first writer wins, and returns err. message by printf, in the arena. */
hf_err api_fail(struct api_call *call, hf_err err, int status, hf_str code, hf_str inner,
                const char *format, ...) HF_PRINTF(6, 7);
/* An operation that does not exist yet: HF_E_UNSUPPORTED, 501. */
hf_err api_missing(struct api_call *call);
