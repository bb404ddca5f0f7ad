#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line from outside: each command, its exit codes, JSON that parses, and no value where none was asked for.
# Starts its own servers on free ports; leaves nothing behind. The program is $HOLDFAST.
set -u
here=$(cd "$(dirname "$0")" && pwd)
holdfast=${HOLDFAST:-$here/../../../build/holdfast}
folder=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-cli-XXXXXX")
passed=0 failed=0 server='' fake=''

stop() { # pid
    [ -n "$1" ] && kill "$1" 2>/dev/null && wait "$1" 2>/dev/null
    return 0
}
finish() {
    stop "$server"
    stop "$fake"
    rm -rf "$folder"
}
trap finish EXIT

# ---- tools ----

note() { # ok?, name
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $2"
        sed 's/^/    /' "$folder/out" "$folder/err" | head -20
    fi
}

# Runs holdfast; its output is in $folder/out and $folder/err. Standard input is the caller's.
run() { # expected exit code, name, words...
    local expected=$1 name=$2 code
    shift 2
    "$holdfast" "$@" >"$folder/out" 2>"$folder/err"
    code=$?
    [ "$code" = "$expected" ]
    note $? "$name: exit code $code instead of $expected ($*)"
}

out_has() { grep -qF -- "$1" "$folder/out"; note $? "output lacks: $1"; }
out_lacks() { ! grep -qF -- "$1" "$folder/out" "$folder/err"; note $? "output holds: $1"; }
err_has() { grep -qF -- "$1" "$folder/err"; note $? "message lacks: $1"; }
out_is() { [ "$(cat "$folder/out")" = "$1" ]; note $? "output is not: $1"; }
out_is_empty() { [ ! -s "$folder/out" ]; note $? "output is not empty"; }
json() { # Python expression over the parsed output `j`
    python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$folder/out" "$1"
    note $? "JSON: not $1"
}

wait_for() { # file, pid
    until [ -s "$1" ]; do
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.05
    done
}

start_server() {
    rm -f "$folder/env"
    "$holdfast" dev --data "$folder/data" --port 0 --env-file "$folder/env" --movable-clock >"$folder/server.log" 2>&1 &
    server=$!
    wait_for "$folder/env" "$server" || { cat "$folder/server.log"; echo "cli: 0 passed, 1 failed"; exit 1; }
    set -a
    # shellcheck disable=SC1091
    . "$folder/env"
    set +a
    export HOLDFAST_SOCKET=$folder/data/admin.sock
    port=${AZURE_KEYVAULT_URL##*:}
}

# ---- usage: nothing is sent, so that no server is needed ----

test_usage() {
    export HOLDFAST_SOCKET=$folder/none.sock
    run 2 "no command"
    run 0 "help" --help
    out_has "secret set NAME"
    out_has "serve"
    out_has "audit verify"
    out_lacks "clock advance"
    run 0 "help word" help
    run 0 "version" --version
    out_is "holdfast $(sed -n "s/^ *version: '\([0-9.]*\)',$/\1/p" "$here/../../../meson.build")"
    run 2 "unknown command" bogus
    err_has "no command 'bogus'"
    run 2 "unknown command of a group" vault bogus
    run 2 "group alone" vault
    run 0 "help of a group" vault --help
    run 2 "unknown option" status --bogus
    run 2 "argument missing" vault show
    run 2 "argument too many" vault show a b
    run 2 "dots are no name" vault show ..
    run 2 "required option missing" identity create x
    run 2 "option without value" vault create x --location
    run 2 "option twice" status --json --json
    run 2 "retention no number" vault create x --retention-days many
    run 2 "no duration" identity credential add x --kind client-secret --expires-in soon
    run 2 "certificate missing" identity credential add x --kind certificate
    run 2 "no vault" secret list
    run 2 "vault not https" secret list --vault-url http://dev.vault.localhost
    run 2 "vault with a path" secret list --vault-url https://dev.vault.localhost/secrets
    run 2 "tag without value" secret set x --vault-url https://dev.vault.localhost --tag a --value v
    run 2 "no time" secret set x --vault-url https://dev.vault.localhost --expires soon --value v
    run 2 "two sources" secret set x --vault-url https://dev.vault.localhost --value v --file /dev/null
    run 2 "JSON or value" secret show x --vault-url https://dev.vault.localhost --json --value-only
    run 2 "version with a slash" secret show x --vault-url https://dev.vault.localhost --version a/b
    run 2 "data or folder" audit verify --data a --folder b
    run 2 "no lines" audit tail --folder "$folder" --lines 0
    run 5 "no server" status
    err_has "none.sock"
    run 5 "no vault there" secret list --vault-url https://dev.vault.localhost:1
    run 3 "no log" audit verify --folder "$folder/none"
}

# Each command has help that names its options, and a place in the manual.
test_help() {
    local words option
    "$holdfast" --help >"$folder/all"
    while read -r words; do
        # shellcheck disable=SC2086
        run 0 "help of $words" $words --help
        grep -q "^\.It Cm $words" "$here/../../../docs/man/holdfast.1"
        note $? "the manual lacks: $words"
        for option in $(grep -o '^  --[a-z-]*' "$folder/out"); do
            grep -q -- "Fl -${option#--}" "$here/../../../docs/man/holdfast.1"
            note $? "the manual lacks: $words $option"
        done
    done < <(sed -n 's/^  \([a-z][a-z -]*[a-z]\).*/\1/p' "$folder/all")
    "$holdfast" serve --example-config | sed -n 's/^#\{0,1\}\([a-z][a-z0-9._]*\) =.*/\1/p' >"$folder/settings"
    while read -r option; do
        grep -q "^\.It Cm $option\$" "$here/../../../docs/man/holdfast.conf.5"
        note $? "the manual lacks: the setting $option"
    done <"$folder/settings"
}

# ---- administration ----

test_status() {
    run 0 "status" status
    out_has "Token endpoint"
    run 0 "status as JSON" status --json
    json 'j["status"] == "ok"'
    [ "holdfast $(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["version"])' "$folder/out")" = "$("$holdfast" --version)" ]
    note $? "the server has another version"
    run 0 "socket by option" status --socket "$folder/data/admin.sock"
}

test_vaults() {
    run 0 "vault create" vault create team1 --retention-days 10 --location here --resource-group rg1
    out_has "https://team1.vault.localhost:$port"
    run 0 "vault show" vault show team1 --json
    json 'j["retentionDays"] == 10 and j["location"] == "here" and "/resourceGroups/rg1/" in j["id"]'
    run 6 "vault exists" vault create team1
    err_has "team1"
    out_is_empty
    run 1 "bad name" vault create x
    run 1 "bad retention" vault create team2 --retention-days 3
    run 3 "unknown vault" vault show nobody
    run 0 "vault protect" vault protect team1
    run 3 "protect unknown" vault protect nobody
    run 0 "protected" vault show team1 --json
    json 'j["purgeProtection"] is True'
    run 0 "created protected" vault create team3 --purge-protection --json
    json 'j["purgeProtection"] is True'
    run 0 "vault list" vault list
    out_has "team1"
    run 0 "vault list as JSON" vault list --json
    json 'sorted(v["name"] for v in j) == ["dev", "team1", "team3"]'
}

test_identities() {
    run 0 "identity create" identity create bob --kind application
    run 0 "managed identity" identity create robot --kind managed-identity --json
    json 'j["kind"] == "managed-identity"'
    run 1 "bad kind" identity create x --kind person
    run 0 "identity show" identity show bob --json
    json 'j["name"] == "bob" and j["enabled"]'
    client_id=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["clientId"])' "$folder/out")
    run 0 "by client id" identity show "$client_id"
    out_has "bob"
    run 3 "unknown identity" identity show nobody
    run 0 "disable" identity disable bob
    run 0 "disabled" identity show bob --json
    json 'j["enabled"] is False'
    run 0 "enable" identity enable bob
    run 0 "identity list" identity list
    out_has "robot"
    run 0 "identity list as JSON" identity list --json
    json '{"bob", "robot"} <= {i["name"] for i in j}'
    run 0 "rotate signing key" identity rotate-signing-key
    out_is_empty
}

test_credentials() {
    run 0 "secret" identity credential add bob --kind client-secret --expires-in 90d --value-only
    bob_secret=$(cat "$folder/out")
    [ "${#bob_secret}" -ge 30 ]
    note $? "the new secret is short"
    run 0 "secret for people" identity credential add bob --kind client-secret
    out_has "Secret"
    run 0 "header" identity credential add robot --kind identity-header --json
    json 'len(j["secret"]) >= 30 and j["expires"] is None'
    run 6 "header for an application" identity credential add bob --kind identity-header
    run 1 "bad kind" identity credential add bob --kind password
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bob -keyout "$folder/bob.key" \
        -out "$folder/bob.crt" 2>/dev/null
    cat "$folder/bob.key" "$folder/bob.crt" >"$folder/bob.pem"
    run 0 "certificate behind a key" identity credential add bob --kind certificate --certificate "$folder/bob.pem"
    out_has "SHA-256"
    run 1 "no certificate" identity credential add bob --kind certificate --certificate "$folder/bob.key"
    run 1 "no file" identity credential add bob --kind certificate --certificate "$folder/none"
    run 2 "certificate for a secret" identity credential add bob --kind client-secret --certificate "$folder/bob.pem"
    run 0 "credential list" identity credential list bob
    out_lacks "$bob_secret"
    run 0 "credential list as JSON" identity credential list bob --json
    json 'sorted(c["kind"] for c in j) == ["certificate", "client-secret", "client-secret"]'
    key=$(python3 -c 'import json, sys; print([c["id"] for c in json.load(open(sys.argv[1])) if c["kind"] == "certificate"][0])' \
        "$folder/out")
    run 0 "credential delete" identity credential delete bob "$key"
    run 3 "credential is gone" identity credential delete bob "$key"
    run 3 "credential of nobody" identity credential list nobody
}

test_roles() {
    run 0 "role list" role list
    out_has "Key Vault Secrets User"
    run 0 "role list as JSON" role list --json
    json 'any(r["name"] == "Key Vault Administrator" for r in j)'
    run 0 "assign" role assign --principal bob --role "Key Vault Secrets User" --scope dev --json
    assignment=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["id"])' "$folder/out")
    run 6 "assigned already" role assign --principal bob --role "Key Vault Secrets User" --scope dev
    run 3 "unknown role" role assign --principal bob --role Emperor --scope dev
    run 3 "unknown principal" role assign --principal nobody --role "Key Vault Secrets User" --scope dev
    run 3 "unknown vault" role assign --principal bob --role "Key Vault Secrets User" --scope nowhere
    run 0 "assignments" role assignments
    out_has "bob"
    run 0 "assignments as JSON" role assignments --json
    json "any(a['id'] == '$assignment' for a in j)"
}

# ---- secrets ----

as_bob() {
    env -u IDENTITY_ENDPOINT HOLDFAST_CLIENT_ID="$client_id" HOLDFAST_CLIENT_SECRET="$bob_secret" "$@"
}

run_as_bob() { # expected, name, words...
    local expected=$1 name=$2 code
    shift 2
    as_bob "$holdfast" "$@" >"$folder/out" 2>"$folder/err"
    code=$?
    [ "$code" = "$expected" ]
    note $? "$name: exit code $code instead of $expected ($*)"
}

test_values() {
    printf 'two\nlines\n\n' >"$folder/value"
    run 0 "set from standard input" secret set s1 --content-type text/plain --tag env=prod --tag 'eq=a=b' --expires 2100-01-31 \
        --not-before 2020-01-01T00:00:00Z <"$folder/value"
    out_lacks lines
    out_has "env=prod, eq=a=b"
    out_has "2100-01-31 00:00:00Z"
    run 0 "value, byte for byte" secret show s1 --value-only
    cmp -s "$folder/value" "$folder/out"
    note $? "the value changed on its way"
    run 0 "set from a file" secret set s1 --file "$folder/value" --disabled --json </dev/null
    json '"value" not in j and j["attributes"]["enabled"] is False'
    run 4 "disabled" secret show s1
    run 0 "set from a dash" secret set s1 --file - <"$folder/value"
    run 0 "set an argument" secret set s2 --value visible </dev/null
    run 0 "show for people" secret show s2
    out_lacks visible
    run 0 "show as JSON" secret show s2 --json
    json 'j["value"] == "visible"'
    run 1 "not text" secret set s3 < <(printf '\377\376')
    run 1 "NUL" secret set s3 < <(printf 'a\0b')
    run 1 "too large for a secret" secret set s3 < <(head -c 30000 /dev/zero | tr '\0' x)
    run 1 "too large for the program" secret set s3 < <(head -c 300000 /dev/zero | tr '\0' x)
    run 1 "no such file" secret set s3 --file "$folder/none"
    run 1 "bad name" secret set 'a_b' --value v
    run 3 "nothing was stored" secret show s3
    printf '"\\\b\n\t\303\244\360\237\224\221' >"$folder/value"
    run 0 "set what JSON escapes" secret set s4 <"$folder/value"
    run 0 "show it" secret show s4 --value-only
    cmp -s "$folder/value" "$folder/out"
    note $? "escaped text changed on its way"
    run 1 "nothing from a pipe" secret set s5 </dev/null
    run 1 "an empty file" secret set s5 --file /dev/null
    run 3 "nothing was stored" secret show s5
    run 0 "empty value on purpose" secret set s5 --value ''
    run 0 "show it" secret show s5 --value-only
    out_is_empty
}

test_terminal() {
    python3 "$here/type_value.py" 'typed-in-the-dark\n' "$holdfast" secret set t1 >"$folder/out" 2>"$folder/err"
    note $? "typed value is refused"
    out_lacks typed-in-the-dark
    run 0 "typed value" secret show t1 --value-only
    out_is typed-in-the-dark
    python3 "$here/type_value.py" 'half\x03' "$holdfast" secret set t2 >"$folder/out" 2>"$folder/err"
    [ $? = 1 ]
    note $? "an interrupt does not end the question"
    run 3 "interrupted" secret show t2
}

# While a value is on its way, the process list does not show it.
test_arguments() {
    mkfifo "$folder/pipe"
    "$holdfast" secret set p1 <"$folder/pipe" >"$folder/out" 2>"$folder/err" &
    local pid=$!
    exec 7>"$folder/pipe"
    printf 'value-in-flight' >&7
    until tr '\0' ' ' <"/proc/$pid/cmdline" >"$folder/cmdline" && grep -q "secret set p1" "$folder/cmdline"; do
        kill -0 "$pid" 2>/dev/null || break
    done
    grep -q "secret set p1" "$folder/cmdline" && ! grep -q value-in-flight "$folder/cmdline"
    note $? "the process list shows the value"
    exec 7>&-
    wait "$pid"
    note $? "set from a pipe"
}

test_versions() {
    printf one | run 0 "first" secret set v1
    printf two | run 0 "second" secret set v1
    run 0 "versions" secret versions v1
    [ "$(wc -l <"$folder/out")" = 3 ]
    note $? "not two versions"
    run 0 "versions as JSON" secret versions v1 --json
    json 'len(j) == 2'
    for version in $(grep -o 'v1/[0-9a-f]\{32\}' "$folder/out" | cut -d/ -f2); do
        run 0 "by version" secret show v1 --version "$version" --value-only
        cat "$folder/out" >>"$folder/both"
        echo >>"$folder/both"
    done
    [ "$(sort "$folder/both" | tr '\n' ' ')" = "one two " ]
    note $? "the versions do not hold the two values"
    run 3 "unknown version" secret show v1 --version 00000000000000000000000000000000
    run 0 "versions of nothing" secret versions nothing --json
    json "j == []"
}

test_lists() {
    for i in $(seq 60); do
        "$holdfast" secret set "page$i" --value x >"$folder/out" 2>"$folder/err" || note 1 "set page$i"
    done
    run 0 "list as JSON" secret list --json
    json 'len({s["id"] for s in j if "/page" in s["id"]}) == 60'
    run 0 "list" secret list
    [ "$(grep -c '^page' "$folder/out")" = 60 ]
    note $? "the list is not complete"
}

test_deletion() {
    run 0 "delete" secret delete v1
    run 3 "deleted" secret show v1
    printf x | run 6 "name is taken" secret set v1
    run 0 "show deleted" secret show v1 --deleted --json
    json '"scheduledPurgeDate" in j'
    run 0 "list deleted" secret list --deleted
    out_has v1
    run 0 "list deleted as JSON" secret list --deleted --json
    json 'len(j) == 1'
    run 0 "recover" secret recover v1
    run 3 "recover again" secret recover v1
    run 0 "recovered" secret show v1 --value-only
    out_is two
    run 0 "delete again" secret delete v1 --json
    json '"recoveryId" in j'
    run 0 "purge" secret purge v1
    out_is_empty
    run 3 "purge again" secret purge v1
    run 3 "delete nothing" secret delete v1
}

test_backup() {
    printf one | run 0 "set" secret set b1
    printf two | run 0 "set" secret set b1
    run 0 "backup to a file" secret backup b1 --file "$folder/backup"
    [ "$(stat -c %a "$folder/backup")" = 600 ]
    note $? "the backup is readable to others"
    ! grep -aq two "$folder/backup"
    note $? "the backup is not encrypted"
    run 0 "backup to standard output" secret backup b1
    [ -s "$folder/out" ]
    note $? "no backup"
    cp "$folder/out" "$folder/backup2"
    run 0 "backup as JSON" secret backup b1 --json
    json '"value" in j'
    run 6 "restore over itself" secret restore --file "$folder/backup"
    run 0 "delete" secret delete b1
    run 0 "purge" secret purge b1
    run 0 "restore" secret restore --file "$folder/backup"
    run 0 "restored" secret show b1 --value-only
    out_is two
    run 0 "versions restored" secret versions b1 --json
    json 'len(j) == 2'
    run 0 "delete" secret delete b1
    run 0 "purge" secret purge b1
    run 0 "restore from standard input" secret restore <"$folder/backup2"
    run 0 "role in another vault" role assign --principal dev-administrator --role "Key Vault Administrator" --scope team3
    run 0 "restore into another vault" secret restore --file "$folder/backup" --vault-url "https://team3.vault.localhost:$port"
    run 0 "restored there" secret show b1 --value-only --vault-url "https://team3.vault.localhost:$port"
    out_is two
    head -c 40 "$folder/backup" >"$folder/cut"
    run 1 "damaged backup" secret restore --file "$folder/cut"
    run 1 "empty backup" secret restore --file /dev/null
    run 3 "backup of nothing" secret backup nothing --file "$folder/x"
    [ ! -e "$folder/x" ]
    note $? "an empty backup was left"
}

test_access() {
    run_as_bob 0 "bob reads" secret show s2 --value-only
    out_is visible
    printf x | run_as_bob 4 "bob does not write" secret set s2
    err_has "not authorized"
    run 0 "unassign" role unassign "$assignment"
    run 3 "unassign again" role unassign "$assignment"
    run_as_bob 4 "bob reads no more" secret show s2
    run 0 "disable bob" identity disable bob
    run_as_bob 4 "bob gets no token" secret show s2
    run 0 "delete bob" identity delete bob
    run_as_bob 4 "bob is unknown" secret show s2
    run 3 "delete bob again" identity delete bob
    IDENTITY_HEADER=wrong run 4 "wrong header" secret list
    IDENTITY_ENDPOINT='' HOLDFAST_CLIENT_SECRET=wrong run 4 "wrong secret" secret list
    IDENTITY_ENDPOINT='' HOLDFAST_CLIENT_SECRET='' run 4 "no secret" secret list
    err_has HOLDFAST_CLIENT_SECRET
    IDENTITY_ENDPOINT='' HOLDFAST_CLIENT_ID='' run 4 "nobody" secret list
    IDENTITY_ENDPOINT='' run 0 "client secret" secret list
    IDENTITY_ENDPOINT='' AZURE_TENANT_ID=$HOLDFAST_TENANT_ID AZURE_CLIENT_ID=$HOLDFAST_CLIENT_ID \
        AZURE_CLIENT_SECRET=$HOLDFAST_CLIENT_SECRET AZURE_AUTHORITY_HOST=$HOLDFAST_AUTHORITY_HOST/ HOLDFAST_CLIENT_ID='' \
        run 0 "Azure's names" secret list
    SSL_CERT_FILE='' run 5 "certificate not trusted" secret list
    SSL_CERT_FILE='' run 0 "trusted by option" secret list --ca-file "$NODE_EXTRA_CA_CERTS"
    run 3 "no such vault" secret list --vault-url "https://nobody.vault.localhost:$port"
    run 4 "no role in the vault" secret list --vault-url "https://team1.vault.localhost:$port"
}

test_clock() {
    run 0 "clock by seconds" clock advance 60
    run 0 "clock by duration" clock advance 1h --json
    json 'j["now"] > 0'
    run 2 "no step" clock advance soon
}

# ---- a vault that means ill ----

fake_vault() { # expected, name, host
    run "$1" "$2" secret list --vault-url "https://$3:$fake_port"
}

test_thieves() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=fake \
        -addext "subjectAltName=DNS:*.vault.localhost,DNS:login.localhost,DNS:bystander.localhost" \
        -keyout "$folder/fake.key" -out "$folder/fake.crt" 2>/dev/null
    python3 "$here/fake_vault.py" "$folder/fake.crt" "$folder/fake.key" "$folder/fake.log" "$folder/fake.port" &
    fake=$!
    wait_for "$folder/fake.port" "$fake"
    note $? "the other vault does not start"
    fake_port=$(cat "$folder/fake.port")
    local SSL_CERT_FILE=$folder/fake.crt IDENTITY_ENDPOINT=https://login.localhost:$fake_port/msi
    export SSL_CERT_FILE IDENTITY_ENDPOINT
    fake_vault 0 "honest" honest.vault.localhost
    fake_vault 4 "challenge for another domain" greedy.vault.localhost
    err_has "vault.example.org"
    fake_vault 4 "no challenge" mute.vault.localhost
    fake_vault 4 "no question" open.vault.localhost
    fake_vault 1 "next page elsewhere" linking.vault.localhost
    fake_vault 1 "next page without TLS" downgrading.vault.localhost
    fake_vault 1 "redirect" redirecting.vault.localhost
    fake_vault 1 "no list" garbled.vault.localhost
    IDENTITY_ENDPOINT=http://login.localhost:$fake_port/msi fake_vault 2 "endpoint without TLS" honest.vault.localhost
    ! grep -q '^bystander' "$folder/fake.log"
    note $? "a bystander was asked"
    ! grep -E '^(greedy|mute|open|login)' "$folder/fake.log" | grep -q 'a-token-worth-stealing'
    note $? "a token was given away"
    stop "$fake"
    fake=''
}

# ---- the audit log ----

test_audit() {
    run 0 "verify" audit verify --data "$folder/data"
    out_has "Intact"
    run 0 "verify as JSON" audit verify --data "$folder/data" --json
    json 'j["intact"] and j["endChecked"] and j["records"] > 100'
    run 0 "tail" audit tail --data "$folder/data" --lines 5
    [ "$(wc -l <"$folder/out")" = 6 ]
    note $? "not five records"
    run 0 "tail as JSON" audit tail --folder "$folder/data/audit" --lines 20 --json
    json 'len(j) == 20 and all("operationName" in r for r in j)'
    ! grep -rqE 'typed-in-the-dark|value-in-flight|visible' "$folder/data"
    note $? "a value stands in the data folder in plain"
    stop "$server"
    server=''
    run 0 "verify without a server" audit verify --data "$folder/data"
    out_has "Not checked"
    run 5 "verify by a server that is not there" audit verify --folder "$folder/data/audit" --socket "$folder/data/admin.sock"
    damage "changed" 's/SecretGet/SecretPut/'
    damage "dropped" '20d'
    damage "reordered" '20{h;d};21{G}'
    cp -r "$folder/data/audit" "$folder/short"
    file=$(ls "$folder"/short/*.jsonl)
    head -n -3 "$file" >"$file.new" && cat "$file.new" >"$file" && rm "$file.new"
    start_server
    run 0 "an end cut off is not seen without a server" audit verify --folder "$folder/short"
    run 7 "but with it" audit verify --folder "$folder/short" --socket "$folder/data/admin.sock"
    out_has "cut off"
    run 0 "after a restart" audit verify --data "$folder/data"
    run 0 "secrets survive a restart" secret show s2 --value-only
    out_is visible
}

damage() { # name, sed command
    rm -rf "$folder/copy"
    cp -r "$folder/data/audit" "$folder/copy"
    sed -i "$2" "$folder"/copy/*.jsonl
    run 7 "$1 record" audit verify --folder "$folder/copy"
    out_has "Not intact: record"
    run 7 "$1 record as JSON" audit verify --folder "$folder/copy" --json
    json 'j["intact"] is False and j["badRecord"] > 0 and j["reason"]'
}

test_usage
test_help
start_server
test_status
test_vaults
test_identities
test_credentials
test_roles
test_values
test_terminal
test_arguments
test_versions
test_lists
test_deletion
test_backup
test_access
test_clock
test_thieves
test_audit
echo "cli: $passed passed, $failed failed"
[ "$failed" = 0 ]
