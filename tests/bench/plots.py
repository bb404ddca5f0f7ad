# SPDX-License-Identifier: Apache-2.0
"""The figures as plots: plain SVG, readable on light and dark pages."""
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 760, 250, 90
BAR, GAP, TOP = 16, 10, 44
INK, OWN, OTHER, LIMIT = "#57606a", "#0969da", "#8c959f", "#cf222e"
FONT = 'font-family="sans-serif" font-size="12"'


def text(x, y, content, anchor="start", size=12, fill=INK):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}" fill="{fill}">{escape(content)}</text>'


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def bars(title, groups, unit):
    """groups: (name, ((label, value, colour), …), mark or None); a mark is a line across the group at that value."""
    top = max(max([value for _, value, _ in rows] + ([mark] if mark else [])) for _, rows, mark in groups)
    scale = (WIDTH - LEFT - RIGHT) / top
    parts, y = [], TOP
    for name, rows, mark in groups:
        begin = y
        for index, (label, value, colour) in enumerate(rows):
            caption = f"{name}: {label}" if label and index == 0 else label or name
            parts.append(text(LEFT - 8, y + BAR - 4, caption, "end"))
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{max(value * scale, 1):.1f}" height="{BAR}" fill="{colour}"/>')
            parts.append(text(LEFT + value * scale + 6, y + BAR - 4, number(value)))
            y += BAR + 2
        if mark:
            x = LEFT + mark * scale
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{begin - 2}" y2="{y}" stroke="{LIMIT}" stroke-dasharray="4 2"/>')
        y += GAP
    head = text(12, 22, f"{title} ({unit})", size=14)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" {FONT} role="img">'
            f"<title>{escape(title)}</title>{head}{''.join(parts)}</svg>\n")


def row_name(row):
    return f"{row['name']}, {row['connections']}"


def cpu(result):
    groups = []
    for row in result["rows"]:
        if "nginx" in row:
            groups.append((row_name(row), (("holdfast", row["holdfast"]["cpu_usec"]["median"], OWN),
                                           ("nginx", row["nginx"]["cpu_usec"]["median"], OTHER)), None))
    return bars("CPU per request, beside nginx answering with a constant", groups, "µs")


def durable(result):
    disk = result["fdatasync_per_second"]["median"]
    rows = tuple((f"{row['connections']} connections", row["holdfast"]["per_second"]["median"], OWN)
                 for row in result["rows"] if row["name"] == "set secret")
    return bars("Durable sets per second; grey: fdatasync of the same disk, one at a time",
                (("set secret", rows, None), ("fdatasync", (("", disk, OTHER),), None)), "per second")


def siege(result):
    groups = []
    for key, name in (("idle", "idle connections"), ("slow_heads", "slow heads")):
        one = result["siege"][key]
        groups.append((f"{one['connections']:,} {name}", (("without", one["alone_per_second"]["median"], OTHER),
                                                          ("with", one["beside_per_second"]["median"], OWN)), None))
    return bars("Get secret while others misbehave", groups, "requests per second")


def overload(result):
    groups = []
    for key, name in (("normal", "capacity"), ("with", "overload"), ("without", "overload, control off")):
        probes = result["siege"]["overload"][key]["probes"]
        groups.append((name, tuple((f"{kind} p50", (probes[kind]["p50_usec"] or 0) / 1e3, OWN if key != "without" else OTHER)
                                   for kind in ("token", "get", "health")), None))
    return bars("Latency of what is served, at capacity and beyond", groups, "ms")


def large(result):
    both = result["large"]
    groups = tuple((f"{int(count):,} secrets", (("", both[count]["get"]["per_second"]["median"], colour),), None)
                   for count, colour in (("1000", OTHER), ("1000000", OWN)))
    return bars("Get any secret", groups, "requests per second")


PLOTS = (("cpu", "rows", cpu), ("durable", "rows", durable), ("siege", "siege", siege), ("overload", "siege", overload),
         ("large", "large", large))


def write(result, folder):
    folder.mkdir(exist_ok=True)
    for name, needs, make in PLOTS:
        if needs in result:
            (folder / f"{name}.svg").write_text(make(result), encoding="utf-8")
