# SPDX-License-Identifier: Apache-2.0
"""Medians over the rounds, the table for people, the file for programs."""
import json
import os
import platform
import ssl
import statistics

CPU_RATIO_MAX = 1.4
IDLE_MEMORY_MIB_MAX = 24
KEPT_MIN = 0.9

COLUMNS = ("requests/s", "CPU us", "user", "system", "p50 us", "p99 us", "CPU / nginx", "CPU / nginx with log")
KEYS = ("per_second", "cpu_usec", "user_usec", "system_usec", "p50_usec", "p99_usec")
FIRST_WIDTH = 42


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summary(rounds):
    """rounds: one dictionary of figures per round → figure → median, min, max."""
    return {key: spread([one[key] for one in rounds]) for key in KEYS}


def ratios(rounds, reference):
    """CPU per request of each round over the reference's in the same round."""
    return spread([one["cpu_usec"] / other["cpu_usec"] for one, other in zip(rounds, reference)])


def machine():
    return {"cores": len(os.sched_getaffinity(0)), "kernel": platform.release(), "arch": platform.machine(),
            "openssl": ssl.OPENSSL_VERSION}


def digits(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def ratio_text(ratio):
    return f"{ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f})" if ratio else ""


def line(name, cells):
    return name.ljust(FIRST_WIDTH) + "".join(
        str(cell).rjust(max(len(column), 8) + 2 if "nginx" not in column else 22) for cell, column in zip(cells, COLUMNS))


def figures_line(name, figures, row=None):
    cells = [digits(figures[key]["median"]) for key in KEYS]
    cells += [ratio_text(row.get(key)) if row else "" for key in ("ratio", "ratio_with_log")]
    return line(name, cells).rstrip()


def mib(kib):
    return f"{kib / 1024:.1f} MiB"


def verdict(value, limit, text):
    return f"{text}: {'met' if value <= limit else 'MISSED'}"


def row_title(row):
    return f"{row['name']}, {row['connections']} connection{'s' if row['connections'] > 1 else ''}"


def print_rows(result):
    print(line("median of the rounds", COLUMNS))
    for row in result["rows"]:
        print(figures_line(row_title(row), row["holdfast"], row))
        if "nginx" in row:
            print(figures_line("  nginx, constant of the same size", row["nginx"]))
            print(figures_line("  nginx, the same with access log", row["nginx_with_log"]))
    print()
    disk = result["fdatasync_per_second"]
    say("fdatasync of the same disk", f"{disk['median']:.0f}/s ({disk['min']:.0f}-{disk['max']:.0f}), one at a time")
    for key, text in memory_texts(result):
        own = result["memory_kib"][key]
        say(text, f"{mib(own['resident'])} resident, of these {mib(own['own'])} its own (not mapped files)")


def memory_texts(result):
    return (("idle", "memory, idle, as first started"), ("idle_loaded", f"memory, idle, {result['secrets']:,} secrets"),
            ("loaded", "memory, after setting them"), ("after", "memory, most after a row"),
            ("nginx_after", "memory, nginx worker, most"))


def say(text, value):
    print(f"{text.ljust(FIRST_WIDTH)} {value}")


def print_state(result):
    for protocol, own in result["idle_connection_bytes"].items():
        say(f"memory, one idle TLS connection, {protocol}",
            f"{own['own'] / 1024:.1f} KiB, locked (for secrets) {own['locked'] / 1024:.1f} KiB")
    say("start to first answer", f"{milliseconds(result['first_answer_seconds'])}, {result['secrets']} secrets")


def milliseconds(seconds):
    return f"{seconds['median'] * 1e3:.0f} ms ({seconds['min'] * 1e3:.0f}-{seconds['max'] * 1e3:.0f})"


def siege_lines(result):
    """(what, without, with, kept)"""
    for key, name in (("idle", "idle TLS connections"), ("slow_heads", "connections with slow heads")):
        one = result["siege"][key]
        yield (f"{one['connections']:,} {name}", f"{one['alone_per_second']['median']:,.0f}",
               f"{one['beside_per_second']['median']:,.0f}", percent(one["kept"]))


def percent(part):
    return f"{100 * part['median']:.0f} % ({100 * part['min']:.0f}-{100 * part['max']:.0f})"


OVERLOAD_NAMES = (("normal", "capacity"), ("with", "beyond it"), ("without", "beyond it, control off"))


def overload_lines(result):
    """(name, connections, asked per second, served per second, then p50 and p99 in ms of three kinds)"""
    for key, name in OVERLOAD_NAMES:
        one = result["siege"]["overload"][key]
        probes = [one["probes"][kind] for kind in ("token", "get", "health")]
        yield (name, str(one["connections"]), f"{one['per_second']:,.0f}", f"{one['served_per_second']:,.0f}",
               *(f"{probe['p50_usec'] / 1e3:.1f} / {probe['p99_usec'] / 1e3:.1f}" if probe["served"] else "none"
                 for probe in probes))


def print_siege(result):
    for what, without, beside, kept in siege_lines(result):
        say(what, f"get secret {without}/s without, {beside}/s with: {kept}")
    for name, connections, asked, served, *probes in overload_lines(result):
        say(f"tokens, {name}, {connections} connections", f"{asked}/s asked, {served}/s served; ms p50 / p99: "
            f"token {probes[0]}, get secret {probes[1]}, health {probes[2]}")


def large_lines(result):
    """(secrets, get per second, CPU, file, bytes per secret, idle memory, cold start, warm start)"""
    for count in sorted((one for one in result["large"] if one.isdigit()), key=int):
        one = result["large"][count]
        size = sum(one["files"].values())
        yield (f"{int(count):,}", f"{one['get']['per_second']['median']:,.0f}", digits(one["get"]["cpu_usec"]["median"]),
               f"{size / 2**20:.0f} MiB", f"{size / int(count):,.0f}", mib(one["memory_idle_kib"]["own"]),
               milliseconds(one["first_answer_cold"]), milliseconds(one["first_answer_warm"]))


def print_large(result):
    for count, per_second, cpu, size, each, own, cold, warm in large_lines(result):
        say(f"{count} secrets", f"get {per_second}/s at {cpu} us, store {size} ({each} bytes each), idle {own} of its own, "
            f"first answer {cold} cold, {warm} warm")
    say("kept with the many", percent(result["large"]["kept"]))


def print_report(result):
    for part, show in (("rows", print_rows), ("idle_connection_bytes", print_state), ("siege", print_siege),
                       ("large", print_large)):
        if part in result:
            show(result)
    print()
    for text in goals(result):
        print(text)


def goals(result):
    if "rows" in result:
        get = result["rows"][0]["ratio"]["median"]
        idle = result["memory_kib"]["idle"]["resident"] / 1024
        yield verdict(get, CPU_RATIO_MAX, f"goal: get secret at most {CPU_RATIO_MAX} times nginx's CPU: {get:.2f}")
        yield verdict(idle, IDLE_MEMORY_MIB_MAX, f"goal: idle memory under {IDLE_MEMORY_MIB_MAX} MiB: {idle:.1f} MiB")
    kept = [one["kept"] for one in (result["siege"][key] for key in ("idle", "slow_heads"))] if "siege" in result else []
    kept += [result["large"]["kept"]] if "large" in result else []
    for one in kept:
        yield verdict(-one["median"], -KEPT_MIN, f"goal: at least {100 * KEPT_MIN:.0f} % of the throughput kept: {percent(one)}")


# ---- docs/performance.md: the tables between the marks are this file's ----


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(cells) + " |" for cells in rows])


def rows_table(result):
    cells = []
    for row in result["rows"]:
        for name, key in ((row_title(row), "holdfast"), ("nginx, constant of the same size", "nginx"),
                          ("nginx, the same with access log", "nginx_with_log")):
            if key in row:
                shown = [digits(row[key][one]["median"]) for one in KEYS]
                ratio = [ratio_text(row.get(one)) if key == "holdfast" else "" for one in ("ratio", "ratio_with_log")]
                cells.append((name, *shown, *ratio))
    disk = result["fdatasync_per_second"]
    return (table(("request", "requests/s", "CPU µs", "user", "system", "p50 µs", "p99 µs", "× nginx", "× nginx with log"), cells)
            + f"\n\nThe same disk made {disk['median']:,.0f} single blocks durable per second "
            f"({disk['min']:,.0f} to {disk['max']:,.0f}), one at a time."
            "\n\n![CPU per request](plots/cpu.svg)\n\n![Durable sets](plots/durable.svg)")


def memory_table(result):
    rows = [(text, mib(result["memory_kib"][key]["resident"]), mib(result["memory_kib"][key]["own"]))
            for key, text in memory_texts(result)]
    return table(("what", "resident", "of that not mapped files"), rows)


def state_table(result):
    rows = [(protocol, f"{own['own'] / 1e3:.1f} kB", f"{own['locked'] / 1e3:.1f} kB")
            for protocol, own in result["idle_connection_bytes"].items()]
    return (table(("one idle TLS connection", "resident", "of that locked, for secrets"), rows)
            + f"\n\nFrom the start of the process to its first answer: {milliseconds(result['first_answer_seconds'])}, "
            f"with {result['secrets']:,} secrets.")


def siege_table(result):
    return (table(("beside", "get secret/s without", "with", "kept"), siege_lines(result)) + "\n\n"
            + table(("tokens", "connections", "asked/s", "served/s", "token ms p50 / p99", "get secret", "health"),
                    overload_lines(result))
            + "\n\n![While others misbehave](plots/siege.svg)\n\n![Overload](plots/overload.svg)")


def large_table(result):
    return (table(("secrets", "get/s", "CPU µs", "store", "bytes each", "idle memory of its own", "first answer, cold", "warm"),
                  large_lines(result))
            + f"\n\nThroughput kept with the many: {percent(result['large']['kept'])}.\n\n![Large](plots/large.svg)")


TABLES = (("rows", "rows", rows_table), ("memory", "rows", memory_table), ("state", "idle_connection_bytes", state_table),
          ("siege", "siege", siege_table), ("large", "large", large_table))


def write_docs(result, path):
    text = path.read_text(encoding="utf-8")
    for name, needs, make in TABLES:
        if needs in result:
            begin, end = f"<!-- figures: {name} -->\n", f"\n<!-- end: {name} -->"
            before, _, rest = text.partition(begin)
            _, found, after = rest.partition(end)
            if not found:
                raise RuntimeError(f"{path}: the marks of {name} are missing")
            text = before + begin + make(result) + end + after
    path.write_text(text, encoding="utf-8")


def read_json(path):
    return json.loads(path.read_text()) if path.exists() else {}


def write_json(result, path):
    path.write_text(json.dumps(result, indent=2) + "\n")
