/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `holdfast status`, and `holdfast clock` for tests.
 */
#include "cli/commands.h"
#include "cli/message.h"

static const struct cli_column status_columns[] = {
    { "Status", "status", CLI_CELL_PLAIN },
    { "Version", "version", CLI_CELL_PLAIN },
    { "Started", "started", CLI_CELL_TIME },
    { "Domain", "domain", CLI_CELL_PLAIN },
    { "Token endpoint", "loginUrl", CLI_CELL_PLAIN },
    { "Tenant", "tenantId", CLI_CELL_PLAIN },
    { "Subscription", "subscriptionId", CLI_CELL_PLAIN },
    { "Threads", "threads", CLI_CELL_PLAIN },
    { "Connections open", "connectionsOpen", CLI_CELL_PLAIN },
    { "Connections refused", "connectionsRefused", CLI_CELL_PLAIN },
    { "Requests", "requestsTotal", CLI_CELL_PLAIN },
    { "Refused, overload", "refusedOverload", CLI_CELL_PLAIN },
    { "Refused, quota", "refusedQuota", CLI_CELL_PLAIN },
    { "Refused, audit log", "refusedAudit", CLI_CELL_PLAIN },
    { "Refused, no head", "refusedIncomplete", CLI_CELL_PLAIN },
    { "Strangers, as sums", "strangersCounted", CLI_CELL_PLAIN },
    { "Changes committed", "commandsCommitted", CLI_CELL_PLAIN },
    { "Store bytes used", "storeUsedBytes", CLI_CELL_PLAIN },
    { "Store bytes mapped", "storeMapBytes", CLI_CELL_PLAIN },
    { "Secret memory locked", "secretMemoryLocked", CLI_CELL_PLAIN },
    { "Audit records", "auditRecords", CLI_CELL_PLAIN },
};

int cli_status(const struct cli_input *input)
{
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    const int code = cli_local_get(input, "/status", &answer);
    return code == CLI_OK
               ? cli_show_answer(input, status_columns, HF_ARRAY_LEN(status_columns), &answer)
               : code;
}

static const struct cli_column clock_columns[] = { { "Now", "now", CLI_CELL_TIME } };

/* Digits are seconds; else a duration. */
static int read_step(const char *text, int64_t *out_seconds)
{
    uint64_t seconds = 0;
    if (hf_str_parse_u64(hf_str_from_c(text), INT64_MAX, &seconds)) {
        *out_seconds = (int64_t)seconds;
        return CLI_OK;
    }
    int64_t usec = 0;
    const int code = cli_read_duration("STEP", text, &usec);
    if (code == CLI_OK)
        *out_seconds = hf_usec_to_seconds(usec);
    return code;
}

int cli_clock_advance(const struct cli_input *input)
{
    int64_t seconds = 0;
    int code = read_step(input->arguments[0], &seconds);
    if (code != CLI_OK)
        return code;
    char path_memory[16];
    char body_memory[64];
    struct hf_buf path;
    struct hf_buf body;
    hf_buf_init_fixed(&path, path_memory, sizeof(path_memory));
    hf_buf_init_fixed(&body, body_memory, sizeof(body_memory));
    hf_buf_put_c(&path, "/clock");
    hf_buf_putf(&body, "{\"seconds\":%lld}", (long long)seconds);
    const struct cli_local_call call = { .method = HTTP_POST, .path = &path, .body = &body };
    HF_CLEANUP(cli_answer_done) struct cli_answer answer;
    cli_answer_init(&answer, CLI_LOCAL_ANSWER_MAX_BYTES);
    code = cli_local_send(input, &call, &answer);
    return code == CLI_OK
               ? cli_show_answer(input, clock_columns, HF_ARRAY_LEN(clock_columns), &answer)
               : code;
}
