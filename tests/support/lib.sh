# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts of tests/: caches for clients, skipping, the closing line.
set -euo pipefail

SUPPORT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HOLDFAST_CACHE=${HOLDFAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}
export HOLDFAST_CACHE PYTHONDONTWRITEBYTECODE=1

# The program under test: first argument of the script, $HOLDFAST, or the build folder's.
find_holdfast() { # [path]
    HOLDFAST=$(realpath -m "${1:-${HOLDFAST:-$SUPPORT/../../build/holdfast}}")
    export HOLDFAST
    [ -x "$HOLDFAST" ] || { echo "$HOLDFAST is not there; make build"; close_part "$(basename "$PWD")" 0 1; exit 1; }
}

# The last line of every part: what tools/run-tests and tests/wire/run read.
close_part() { # name, passed, failed, [skipped]
    echo "$1: $2 passed, $3 failed, ${4:-0} skipped"
}

# Ends the script with one skipped case.
skip_part() { # name, reason
    echo "skipped: $2"
    close_part "$1" 0 0 1
    exit 0
}

# Skips the part if a tool is missing; python3 counts only with what makes virtual environments.
need_tools() { # name, tool...
    local name=$1 tool
    shift
    for tool in "$@"; do
        command -v "$tool" >/dev/null || skip_part "$name" "$tool is not installed"
        [ "$tool" != python3 ] || has_python || skip_part "$name" 'python3 has no module ensurepip'
    done
}

has_python() {
    command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null
}

# Prints a folder for clients, named after the files that pin them. `fill FOLDER` makes it, once (errexit is off in it); two
# scripts at a time wait for each other. An interrupted attempt leaves no folder behind that looks ready.
client_folder() { # name, fill command, pinning file...
    local name=$1 fill=$2 folder
    shift 2
    folder=$HOLDFAST_CACHE/wire-$name-$(cat "$@" | sha256sum | cut -c1-16)
    mkdir -p "$HOLDFAST_CACHE"
    (
        flock 9
        [ -e "$folder/.ready" ] && exit 0
        rm -rf "$folder"
        mkdir -p "$folder"
        "$fill" "$folder" >&2 && touch "$folder/.ready"
    ) 9>"$HOLDFAST_CACHE/wire-$name.lock" || { echo "the clients of $name could not be installed" >&2; return 1; }
    echo "$folder"
}
