# SPDX-License-Identifier: Apache-2.0
"""Medians over the rounds, the table for people, the file for programs."""
import json
import os
import platform
import ssl
import statistics

CPU_RATIO_MAX = 1.8
IDLE_MEMORY_MIB_MAX = 24

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


def print_report(result):
    print(line("median of the rounds", COLUMNS))
    for row in result["rows"]:
        name = f"{row['name']}, {row['connections']} connection{'s' if row['connections'] > 1 else ''}"
        print(figures_line(name, row["holdfast"], row))
        if "nginx" in row:
            print(figures_line("  nginx, constant of the same size", row["nginx"]))
            print(figures_line("  nginx, the same with access log", row["nginx_with_log"]))
    print()
    disk = result["fdatasync_per_second"]
    print(f"{'fdatasync of the same disk'.ljust(FIRST_WIDTH)} "
          f"{disk['median']:.0f}/s ({disk['min']:.0f}-{disk['max']:.0f}), one at a time")
    for key, text in (("idle", "memory, idle, as first started"), ("idle_loaded", f"memory, idle, {result['secrets']} secrets"),
                      ("loaded", "memory, after setting them"), ("after", "memory, most after a row"),
                      ("nginx_after", "memory, nginx worker, most")):
        own = result["memory_kib"][key]
        print(f"{text.ljust(FIRST_WIDTH)} {mib(own['resident'])} resident, of these {mib(own['own'])} its own (not mapped files)")
    for protocol, own in result["idle_connection_bytes"].items():
        print(f"{f'memory, one idle TLS connection, {protocol}'.ljust(FIRST_WIDTH)} {own['own'] / 1024:.1f} KiB, "
              f"locked (for secrets) {own['locked'] / 1024:.1f} KiB")
    first = result["first_answer_seconds"]
    print(f"{'start to first answer'.ljust(FIRST_WIDTH)} {first['median'] * 1e3:.0f} ms "
          f"({first['min'] * 1e3:.0f}-{first['max'] * 1e3:.0f}), {result['secrets']} secrets")
    print()
    get = result["rows"][0]["ratio"]["median"]
    idle = result["memory_kib"]["idle"]["resident"] / 1024
    print(verdict(get, CPU_RATIO_MAX, f"goal: get secret at most {CPU_RATIO_MAX} times nginx's CPU: {get:.2f}"))
    print(verdict(idle, IDLE_MEMORY_MIB_MAX, f"goal: idle memory under {IDLE_MEMORY_MIB_MAX} MiB: {idle:.1f} MiB"))


def write_json(result, path):
    path.write_text(json.dumps(result, indent=2) + "\n")
