# SPDX-License-Identifier: Apache-2.0
"""Writes what a benchmark measured as bench/results/NAME.json and, with graphs drawn as SVG, NAME.html."""
import html
import json
import os

from lab import ROOT

COLOURS = ["#0b6e99", "#c4432b", "#4d7c0f", "#8a4fbf", "#b7791f", "#475569"]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 760, 240, 70, 26, 10


def nice(value):
    """The next round number above."""
    step = 10 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    while step * 10 < value:
        step *= 10
    return next(step * k for k in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 20) if step * k >= value) if value > 0 else 1


def short(value):
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return "%.3g%s" % (value / limit, unit)
    return "%.3g" % value


def graph(title, lines, unit="", x_label="s", marks=()):
    """lines: {name: [(x, y), …]}; marks: [(x, text)]."""
    points = [p for line in lines.values() for p in line]
    if not points:
        return ""
    right, top = max(p[0] for p in points) or 1, nice(max(p[1] for p in points) or 1)
    x = lambda v: LEFT + (WIDTH - LEFT - 10) * v / right
    y = lambda v: TOP + (HEIGHT - TOP - BOTTOM) * (1 - v / top)
    out = ['<figure><figcaption>%s</figcaption><svg viewBox="0 0 %d %d" role="img" aria-label="%s">' % (html.escape(title), WIDTH, HEIGHT, html.escape(title))]
    for i in range(5):
        v = top * i / 4
        out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s%s</text>'
                   % (LEFT, WIDTH - 10, y(v), y(v), LEFT - 6, y(v) + 4, short(v), unit))
    for i in range(6):
        v = right * i / 5
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%s %s</text>' % (x(v), HEIGHT - 6, short(v), x_label))
    for at, text in marks:
        out.append('<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#999" stroke-dasharray="4 3"/><text x="%.1f" y="%d">%s</text>'
                   % (x(at), x(at), TOP, HEIGHT - BOTTOM, x(at) + 4, TOP + 10, html.escape(text)))
    for colour, (name, line) in zip(COLOURS, lines.items()):
        out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (colour, " ".join("%.1f,%.1f" % (x(a), y(b)) for a, b in line)))
    out.append("</svg><p>%s</p></figure>" % " ".join('<span style="color:%s">■</span> %s' % (c, html.escape(n)) for c, n in zip(COLOURS, lines)))
    return "".join(out)


def bars(title, values):
    """{name: value} as lying bars."""
    height, top = 26 * len(values) + 8, max(values.values()) or 1
    out = ['<figure><figcaption>%s</figcaption><svg viewBox="0 0 %d %d" role="img" aria-label="%s">' % (html.escape(title), WIDTH, height, html.escape(title))]
    for i, (name, value) in enumerate(values.items()):
        width = max(1, 480 * value / top)
        out.append('<text x="170" y="%d" text-anchor="end">%s</text><rect x="176" y="%d" width="%.1f" height="18" fill="%s"/><text x="%.1f" y="%d">%s</text>'
                   % (i * 26 + 18, html.escape(name), i * 26 + 4, width, COLOURS[0] if name == "boxoffice" else "#94a3b8", 182 + width, i * 26 + 18, short(value)))
    return "".join(out) + "</svg></figure>"


def rates(rows, value):
    """Per second, from a rising value."""
    points = [(r["t"], value(r)) for r in rows if value(r) is not None]
    return [(b[0], max(0, (b[1] - a[1]) / (b[0] - a[0]))) for a, b in zip(points, points[1:]) if b[0] > a[0]]


def graphs(rows):
    crowd = lambda key: [(r["t"], r["crowd"].get(key, 0)) for r in rows]
    count = lambda key: [(r["t"], r["counts"][key]) for r in rows if "counts" in r]
    groups = ["gateways", "redis", "postgres", "scribe", "crowd"]
    marks, phase = [], "join"
    for r in rows:
        if r["phase"] != phase:
            phase = r["phase"]
            marks.append((r["t"], phase))
    return [graph("People", {"connected": crowd("connected"), "told their place": crowd("placed"), "in line": count("waiting"), "have their final word": crowd("ended")}, marks=marks),
            graph("Inside and sold", {"inside": count("active"), "seats sold": count("sold"), "admitted": count("admitted")}, marks=marks),
            graph("Per second", {"positions told": rates(rows, lambda r: r.get("positions")), "joins": rates(rows, lambda r: r["crowd"].get("joined")),
                                 "admissions": rates(rows, lambda r: r["crowd"].get("admitted"))}, marks=marks),
            graph("Hold, 99th percentile so far", {"hold": crowd("hold_p99_ms")}, " ms", marks=marks),
            graph("CPU in cores", {g: rates(rows, lambda r, g=g: r.get("cpu_" + g)) for g in groups}, marks=marks),
            graph("Memory of processes", {**{g: [(r["t"], r["memory_" + g]) for r in rows] for g in groups}, "whole machine": [(r["t"], r["memory_used"]) for r in rows]}, "B", marks=marks)]


def page(title, parts, values):
    table = "".join("<tr><th>%s</th><td>%s</td></tr>" % (html.escape(k), html.escape(("%.5g" % v) if isinstance(v, float) else str(v))) for k, v in values.items())
    return ("<!doctype html><html lang=en><meta charset=utf-8><title>%s</title><style>body{font:15px/1.5 system-ui,sans-serif;max-width:820px;margin:2rem auto;padding:0 1rem}"
            "svg{width:100%%;font:11px system-ui,sans-serif}figure{margin:1.5rem 0}figcaption{font-weight:600}table{border-collapse:collapse}"
            "th{text-align:left;font-weight:400;padding:.1rem 1.5rem .1rem 0}td{text-align:right;font-variant-numeric:tabular-nums}</style><h1>%s</h1>%s<table>%s</table>"
            % (title, title, "".join(parts), table))


def write(name, values, rows=(), kernel=None, parts=None):
    folder = os.path.join(ROOT, "bench/results")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".json"), "w") as f:
        json.dump({"values": values, "kernel": kernel, "samples": list(rows)}, f, indent=1)
        f.write("\n")
    with open(os.path.join(folder, name + ".html"), "w") as f:
        f.write(page("boxoffice: " + name, graphs(rows) if parts is None else parts, values))
