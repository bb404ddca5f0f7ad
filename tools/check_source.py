#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that no compiler knows: who may include whom, which functions are banned where, how long files
and functions may be. Each rule is one check; rows below hold the rules, the functions apply them.

    tools/check_source.py [CHECK...]     all checks, or those named

Prints what is wrong as FILE:LINE: TEXT, one line per check, and the sum.
"""
import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
FUNCTION_COMPLEXITY_MAX = 20
LINE_COLUMNS_MAX = 130

# Functions allowed to exceed a maximum, as "file:function". Empty, and meant to stay so.
FUNCTION_EXCEPTIONS = frozenset()

# layer → layers it may include besides itself.
LAYERS = {
    "base": (),
    "crypto": ("base",),
    "store": ("base",),
    "seal": ("base", "crypto"),
    "archive": ("base", "crypto", "store"),
    "vault": ("base", "crypto", "store", "seal"),
    "access": ("base", "crypto", "store"),
    "audit": ("base", "crypto"),
    "events": ("base", "store", "audit"),
    "http": ("base",),
    "api": ("base", "crypto", "store", "vault", "access", "audit", "events", "http"),
    "cli": ("base", "crypto", "http"),
    "server": ("base", "crypto", "store", "seal", "archive", "vault", "access", "audit", "events", "http", "api", "cli"),
}

# Header of a library → files that may include it. Anything that is neither here nor libc is refused.
LIBRARIES = {
    r"jansson\.h": r"src/base/json.*",
    r"sanitizer/\w+\.h": r"src/base/.*",
    r"openssl/(ssl|err|bio)\.h": r"src/(crypto|http)/.*",
    r"openssl/\w+\.h": r"src/crypto/.*",
    r"lmdb\.h": r"src/store/(\w+/)?lmdb.*",
    r"uv\.h": r"src/(http|server)/.*",
    r"nghttp2/nghttp2\.h": r"src/http/.*",
    r"(llhttp|http_parser)\.h": r"src/http/.*",
    r"curl/curl\.h": r"src/http/client.*",
    r"seccomp\.h": r"src/server/.*",
    r"argon2\.h": r"src/crypto/kdf_argon2_library\.c",
    r"libgfshare\.h": r"src/seal/shamir\.c",
    r"p11-kit/pkcs11\.h": r"src/seal/pkcs11.*",
    r"tss2/\w+\.h": r"src/seal/tpm2.*",
}
LIBC = re.compile(
    r"(sys|arpa|net|netinet|linux)/\w+\.h|"
    r"(assert|ctype|dirent|dlfcn|endian|errno|fcntl|float|fnmatch|getopt|glob|grp|inttypes|libgen|limits|locale|malloc|math|"
    r"netdb|poll|pthread|pwd|sched|semaphore|setjmp|signal|spawn|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|"
    r"string|strings|syslog|termios|time|unistd|wchar)\.h")

# Functions, files where they are allowed, what to use instead.
BANNED = (
    (r"strcpy|stpcpy|strcat|strncpy|strncat|sprintf|vsprintf|asprintf|vasprintf|strtok|strtok_r|gets|alloca|strdupa",
     r"src/base/buf\.c", "hf_buf, hf_str or snprintf"),
    (r"ato[ifl]|atoll|strto(l|ul|ll|ull|d|f|imax|umax)|sscanf|fscanf|scanf",
     r"src/base/", "hf_str_parse_u64 and its like"),
    (r"memcmp|bcmp", r"src/(base|store)/", "hf_bytes_equal, or hf_equal_constant_time for secrets"),
    (r"malloc|calloc|realloc|reallocarray|strdup|strndup|free",
     r"src/(base|crypto|store|seal|archive|vault|access|audit|events|http|server)/|src/api/\w+\.c|cli/", "the request's arena"),
    (r"time|clock_gettime|gettimeofday|clock|localtime|localtime_r|mktime",
     r"src/base/", "struct hf_clock or hf_monotonic_now"),
    (r"sleep|usleep|nanosleep|clock_nanosleep", r"$^", "a timer, or a condition"),
    (r"rand|rand_r|srand|random|srandom|drand48|arc4random|getrandom|getentropy",
     r"src/(base|crypto|http)/", "crypto's random (getrandom seeds hash tables of base and http only)"),
    (r"getenv|secure_getenv|setenv|putenv|unsetenv", r"src/server/|cli/", "configuration"),
    (r"system|popen", r"$^", "nothing: no shell is ever run"),
    (r"exit|_exit|abort|quick_exit", r"src/base/assert\.c|src/server/", "an error code, or HF_ASSERT"),
    (r"printf|vprintf|puts|putchar|fprintf|vfprintf|fputs|fputc|perror|dprintf",
     r"src/base/(log|assert)\.c|src/server/|cli/", "hf_log, or an error for the caller"),
)

# Who sees the plain bytes of a secret: the type itself, cryptography, and the writers of responses.
# client_auth.c reads the object id at the front of an identity header.
SECRET_VIEW = re.compile(r"src/base/(secret|buf|json|json_\w+)\.[ch]|src/crypto/\w+\.[ch]|src/access/client_auth\.c")

# Words that promise work instead of doing it, in code and documents.
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|TBD)\b")

# What belongs to one machine or one package source, not into a file.
MACHINE_PATHS = re.compile(r"(?<![\w.$}/])/(work|root|home/\w+|Users/\w+)/")
PACKAGE_HOSTS = re.compile(
    r"\b(registry|repo\d?|deb|ftp|mirrors?|proxy|pypi|index|files|archive|security|snapshot)\.[a-z0-9-]+(\.[a-z0-9-]+)*"
    r"\.(org|com|io|dev|net)\b")

SOURCE_NAMES = re.compile(r"\.(c|h|py|sh|js|mjs|ts|go|java)$|(^|/)(meson\.build|meson_options\.txt|Makefile)$")
C_NAMES = re.compile(r"\.[ch]$")
# Not ours to check: inputs for parsers, published vectors, the licence's own text.
DATA_NAMES = re.compile(r"^tests/(fuzz/corpus|vectors)/|^LICENSE$|\.(pem|der|pfx|p12|bin|lock|sum)$|package-lock\.json$")

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
C_TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def list_files():
    """Paths of all files of the project, relative to its root: what git tracks or would track, else what is there."""
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                             check=False)
    if listing.returncode == 0:
        names = listing.stdout.splitlines()
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")]
        names = [name for name in names if not re.match(r"(build|dev-data|\.git/)|.*(node_modules|__pycache__)/", name)]
    return sorted(name for name in set(names) if (ROOT / name).is_file() and not DATA_NAMES.search(name))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def blank(match):
    """Comments and literals become blanks of the same shape, so that line numbers stay."""
    return re.sub(r"[^\n]", " ", match.group(0))


def code_of(name):
    return C_TOKENS.sub(blank, read(name))


def product_files(files):
    """C files of the program itself; tests and tools are freer."""
    return [name for name in files if C_NAMES.search(name) and name.startswith(("src/", "cli/"))]


def layer_of(name):
    parts = name.split("/")
    return "cli" if parts[0] == "cli" else parts[1]


def door_of(name):
    """The front door a file of api/ belongs to, or None."""
    parts = name.split("/")
    if parts[0] == "src":
        parts = parts[1:]
    return parts[1] if parts[0] == "api" and len(parts) > 2 else None


def check_spdx(files):
    for name in files:
        text = read(name)
        is_script = text.startswith("#!")
        if (SOURCE_NAMES.search(name) or is_script) and "SPDX-License-Identifier: Apache-2.0" not in "".join(
                text.splitlines(True)[:3]):
            yield f"{name}:1: no SPDX line"


def check_form(files):
    """Blanks, line ends, widths (tables that are laid out by hand excepted) and guards."""
    for name in files:
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if text and not text.endswith("\n"):
            yield f"{name}: no newline at the end"
        is_table = False
        for number, line in enumerate(text.split("\n"), 1):
            is_table = (is_table or "clang-format off" in line) and "clang-format on" not in line
            if line != line.rstrip():
                yield f"{name}:{number}: blanks at the end of the line"
            if C_NAMES.search(name) and "\t" in line:
                yield f"{name}:{number}: tab"
            if C_NAMES.search(name) and len(line) > LINE_COLUMNS_MAX and not is_table:
                yield f"{name}:{number}: wider than {LINE_COLUMNS_MAX} columns"
        if name.endswith(".h") and not re.search(r"^#pragma once$", text, re.M):
            yield f"{name}: no #pragma once"


def check_length(files):
    for name in files:
        if SOURCE_NAMES.search(name):
            lines = read(name).count("\n")
            if lines > FILE_LINES_MAX:
                yield f"{name}: {lines} lines, over {FILE_LINES_MAX}"


def measure_functions(names):
    """(file, function, line, complexity, lines) from pmccabe; switch counts once."""
    output = subprocess.run(["pmccabe", *names], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    for line in output.splitlines():
        match = re.match(r"(\d+)\t(\d+)\t\d+\t(\d+)\t(\d+)\t([^(]+)\(\d+\): (.+)$", line)
        if match:
            complexity, _, first, lines, file, function = match.groups()
            yield file, function, int(first), int(complexity), int(lines)


def check_functions(files):
    names = [name for name in files if name.endswith(".c")]
    if not names:
        return
    if shutil.which("pmccabe") is None:
        yield "pmccabe is missing (tools/install-deps test)"
        return
    for file, function, line, complexity, lines in measure_functions(names):
        if f"{file}:{function}" in FUNCTION_EXCEPTIONS:
            continue
        if lines > FUNCTION_LINES_MAX:
            yield f"{file}:{line}: {function}() has {lines} lines, over {FUNCTION_LINES_MAX}"
        if complexity > FUNCTION_COMPLEXITY_MAX:
            yield f"{file}:{line}: {function}() has complexity {complexity}, over {FUNCTION_COMPLEXITY_MAX}"


def judge_own_include(name, header):
    """What is wrong with including one of our headers, or None."""
    own = layer_of(name)
    layer = header.split("/")[0]
    if "/" not in header:
        return "write the layer too"
    if layer not in LAYERS:
        return "no such layer"
    if layer != own and layer not in LAYERS[own]:
        return f"{own} must not know {layer}"
    if layer != own and header.endswith("/internal.h"):
        return f"is for {layer}'s own files"
    if door_of(header) and door_of(header) != door_of(name) and own == "api":
        return "front doors never include each other, and api/ none of them"
    return None


def judge_library_include(name, header):
    for pattern, allowed in LIBRARIES.items():
        if re.fullmatch(pattern, header):
            return None if re.fullmatch(allowed, name) else "not in this file"
    return None if LIBC.fullmatch(header) else "neither libc nor a known library"


def check_includes(files):
    for name in product_files(files):
        for number, line in enumerate(read(name).splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            own, library = match.groups()
            wrong = judge_own_include(name, own) if own else judge_library_include(name, library)
            if wrong:
                yield f"{name}:{number}: includes {own or library}: {wrong}"


def check_test_includes(files):
    """A layer's tests see the layer and what is below it."""
    for name in files:
        match = re.match(r"tests/unit/(\w+)/.*\.[ch]$", name)
        if not match or match.group(1) not in LAYERS:
            continue
        own = match.group(1)
        for number, line in enumerate(read(name).splitlines(), 1):
            include = INCLUDE.match(line)
            layer = include.group(1).split("/")[0] if include and include.group(1) else None
            if layer in LAYERS and layer != own and layer not in LAYERS[own]:
                yield f"{name}:{number}: a test of {own} must not know {layer}"


def check_banned(files):
    rules = [(re.compile(rf"(?<![\w.>])({names})\s*\("), re.compile(allowed), instead)
             for names, allowed, instead in BANNED]
    for name in product_files(files):
        code = code_of(name)
        for pattern, allowed, instead in rules:
            if allowed.match(name):
                continue
            for match in pattern.finditer(code):
                number = code.count("\n", 0, match.start()) + 1
                yield f"{name}:{number}: {match.group(1)}() is banned here: use {instead}"


def check_secret_view(files):
    for name in product_files(files):
        if SECRET_VIEW.fullmatch(name):
            continue
        for number, line in enumerate(code_of(name).splitlines(), 1):
            if re.search(r"\bhf_secret_view\s*\(", line):
                yield f"{name}:{number}: hf_secret_view() only in crypto/ and response writers"


def check_unfinished(files):
    for name in files:
        if name == "tools/check_source.py":
            continue
        for number, line in enumerate(read(name).splitlines(), 1):
            if UNFINISHED.search(line):
                yield f"{name}:{number}: unfinished: {line.strip()[:80]}"
            if C_NAMES.search(name) and re.match(r"\s*#\s*if\s+0\b", line):
                yield f"{name}:{number}: code switched off"


def check_places(files):
    for name in files:
        for number, line in enumerate(read(name).splitlines(), 1):
            match = MACHINE_PATHS.search(line) or PACKAGE_HOSTS.search(line)
            if match and name != "tools/check_source.py":
                yield f"{name}:{number}: names a place of one machine or package source: {match.group(0)}"


def check_scripts(files):
    """Shell scripts parse, Python files compile."""
    for name in files:
        first = read(name).split("\n", 1)[0]
        if re.match(r"#!.*\b(bash|sh)\b", first):
            done = subprocess.run(["bash", "-n", name], cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                yield f"{name}: {done.stderr.strip()}"
        elif name.endswith(".py") or re.match(r"#!.*python", first):
            try:
                ast.parse(read(name), name)
            except SyntaxError as error:
                yield f"{name}:{error.lineno}: {error.msg}"


def check_headers(files):
    """Every header compiles alone."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        yield "neither gcc nor clang is there"
        return
    # the one library whose headers are not where compilers look
    found = subprocess.run(["pkg-config", "--cflags", "p11-kit-1"], capture_output=True, text=True, check=False)
    for name in files:
        if name.endswith(".h") and name.startswith(("src/", "cli/")):
            done = subprocess.run([compiler, "-std=gnu17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Isrc", "-I.",
                                   *found.stdout.split(), "-include", name, "-x", "c", "/dev/null"],
                                  cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                yield f"{name}: does not compile alone: {done.stderr.splitlines()[0]}"


def check_build_files(files):
    """A layer's own folder must not be searched for headers: its limits.h would hide libc's."""
    for name in files:
        if re.match(r"(src|cli)/.*meson\.build$", name):
            for match in re.finditer(r"\b(static_library|executable)\((.*?\n?)\)\s*\n", read(name) + "\n", re.S):
                if not re.search(r"implicit_include_directories:\s*false", match.group(2)):
                    yield f"{name}: {match.group(1)}() without implicit_include_directories: false"


CHECKS = {
    "spdx": check_spdx,
    "form": check_form,
    "file-length": check_length,
    "functions": check_functions,
    "includes": check_includes,
    "test-includes": check_test_includes,
    "banned": check_banned,
    "secret-view": check_secret_view,
    "unfinished": check_unfinished,
    "places": check_places,
    "scripts": check_scripts,
    "headers": check_headers,
    "build-files": check_build_files,
}


def main():
    wanted = sys.argv[1:] or list(CHECKS)
    files = list_files()
    passed = failed = 0
    for name in wanted:
        problems = list(CHECKS[name](files))
        for problem in problems:
            print(problem)
        print(f"{'FAILED' if problems else 'ok    '} {name}")
        passed, failed = passed + (not problems), failed + bool(problems)
    print(f"source: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
