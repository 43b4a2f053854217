#!/usr/bin/env python3
"""Results of the benchmarks, JSON lines, to the figures of docs/performance.md and its plot.

report.py RESULTS... : rewrites what stands between the `results` marks of docs/performance.md and draws
docs/images/performance.svg. Cases that are not among RESULTS stay as the page has them. Run it on the machine that
measured: the text names that machine.
"""

import collections
import datetime
import json
import math
import os
import pathlib
import platform
import re
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "images" / "performance.svg"
FIELDS = {"bench", "case", "unit", "ours", "runs"}
COLORS = {
    "sextant": "#e07b00", "plain": "#b6c2cd", "vxlan": "#7d96ad", "seg6": "#9fc8e8", "seg6-tables": "#4f9bd9", "seg6-hooks": "#0a6ebd",
    "ip-batch": "#7d96ad", "bridge": "#7d96ad", "bird": "#7d96ad", "frr": "#9fc8e8", "gobgp": "#b6c2cd",
}  # fmt: skip


def read(paths):
    rows = []
    for path in paths:
        for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                missing = FIELDS - row.keys()
            except (ValueError, AttributeError):
                sys.exit(f"{path}:{number}: not a result: {line[:80]}")
            if missing:
                sys.exit(f"{path}:{number}: a result without {', '.join(sorted(missing))}")
            rows.append(row)
    if not rows:
        sys.exit("no results")
    return rows


def machine():
    """The processor, its number, the kernel, the day."""
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    virtual = "hypervisor" in pathlib.Path("/proc/cpuinfo").read_text()
    kernel = ".".join(platform.release().split(".")[:2])
    memory = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)
    day = datetime.date.today().isoformat()
    return (
        f"{model}, {os.cpu_count()} cores{' of a virtual machine' if virtual else ''}, {memory} GiB, "
        f"Linux {kernel}, {day}"
    )


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows):
    """One bench: a line a case; peers beside each other where several stand against one case."""
    peers = list(dict.fromkeys(row["peer"] for row in rows if "peer" in row))
    lines = ["| case | unit | Sextant |" + "".join(f" {peer} | ratio |" for peer in peers) + " runs |"]
    lines.append("|---|---|---:|" + "---:|---:|" * len(peers) + "---:|")
    for case in dict.fromkeys(row["case"] for row in rows):
        of_case = [row for row in rows if row["case"] == case]
        first = of_case[0]
        unit, scale = ("Gbit/s", 1e9) if first["unit"] == "bits/s" else (first["unit"], 1)
        line = f"| {case} | {unit} | {number(first['ours'] / scale)} |"
        for peer in peers:
            theirs = next((row for row in of_case if row.get("peer") == peer), None)
            if theirs is None:
                line += " | |"
            elif "failed" in theirs:
                line += f" {theirs['failed']} | |"
            else:
                ratio = f"{theirs['ratio']:.2f}" if "ratio" in theirs else ""
                once = " (1 run)" if theirs.get("theirRuns") == 1 else ""
                line += f" {number(theirs['theirs'] / scale)}{once} | {ratio} |"
        lines.append(line + f" {first['runs']} |")
    return "\n".join(lines)


def from_table(bench, text):
    """The rows that table() made this text of."""
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines()]
    if len(lines) < 3:
        return []
    header, rows = lines[0], []
    peers = header[3:-1:2]
    for case, unit, ours, *cells, runs in lines[2:]:
        unit, scale = ("bits/s", 1e9) if unit == "Gbit/s" else (unit, 1)

        def value(cell, scale=scale):
            return float(cell.replace(",", "")) * scale

        row = {"bench": bench, "case": case, "unit": unit, "ours": value(ours), "runs": int(runs)}
        compared = []
        for peer, theirs, ratio in zip(peers, cells[0::2], cells[1::2]):
            figure = re.fullmatch(r"([\d.,e+]+)( \(1 run\))?", theirs)
            if figure:
                compared.append(row | {"peer": peer, "theirs": value(figure[1])})
                compared[-1] |= {"ratio": float(ratio)} if ratio else {}
                compared[-1] |= {"theirRuns": 1} if figure[2] else {}
            elif theirs:
                compared.append(row | {"peer": peer, "failed": theirs})
        rows += compared or [row]
    return rows


def with_earlier(rows):
    """These results and, of cases that are not among them, those that the page has; in the page's order, new cases last."""
    blocks = re.findall(r"<!-- results (\w+) -->\n(.*?)<!-- end -->", PAGE.read_text(), re.DOTALL)
    cases = collections.defaultdict(list)
    for bench, text in blocks:
        for row in from_table(bench, text) if bench != "machine" else []:
            cases[bench, row["case"]].append(row)
    fresh = collections.defaultdict(list)
    for row in rows:
        fresh[row["bench"], row["case"]].append(row)
    return [row for of_case in (cases | fresh).values() for row in of_case]


def rewrite_page(rows):
    text = PAGE.read_text()
    by_bench = collections.defaultdict(list)
    for row in rows:
        by_bench[row["bench"]].append(row)
    blocks = {"machine": machine()}
    blocks.update((bench, table(of_bench)) for bench, of_bench in by_bench.items())
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- results {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, found = pattern.subn(lambda match, block=block: f"{match[1]}{block}\n{match[2]}", text)
        if found != 1:
            sys.exit(f"{PAGE}: wanted one '<!-- results {name} -->' with an '<!-- end -->', found {found}")
    PAGE.write_text(text)


def bars(axes, rows, title, unit, scale=1.0, logarithmic=False):
    """Groups of bars: a group a case, a bar for us and each peer; with figures where the scale hides what is twice another."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    names = ["sextant"] + list(dict.fromkeys(row["peer"] for row in rows if "peer" in row))
    width = 0.8 / len(names)
    for index, name in enumerate(names):
        for place, case in enumerate(cases):
            of_case = [row for row in rows if row["case"] == case]
            if name == "sextant":
                value = of_case[0]["ours"]
            else:
                value = next((row.get("theirs") for row in of_case if row.get("peer") == name), None)
            if value is None:
                continue
            x = place + (index - (len(names) - 1) / 2) * width
            drawn = axes.bar(x, value / scale, width * 0.92, color=COLORS[name], label=name if place == 0 else None)
            if logarithmic:
                axes.bar_label(drawn, [number(value / scale)], fontsize=8)
    axes.set_xticks(range(len(cases)), [re.sub(r"-(?=ipv|\d)", "\n", case, count=1) for case in cases])
    axes.set_ylabel(unit)
    if logarithmic:
        axes.set_yscale("log")
        axes.set_ylim(bottom=10 ** math.floor(math.log10(min(row["ours"] for row in rows) / scale)))
    axes.set_ylim(top=axes.get_ylim()[1] * (4 if logarithmic else 1.15))  # room for the legend
    axes.legend(frameon=False, fontsize=8, ncols=min(len(names), 3 if len(cases) < 4 else 5), loc="upper right")
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")


def resolver_lines(axes, rows):
    """Time of one change over the cluster's size."""
    series = collections.defaultdict(list)
    for row in rows:
        match = re.fullmatch(r"(.*)-(\d+)-nodes", row["case"])
        if match and row["unit"] == "us":
            series[match[1]].append((int(match[2]), row["ours"]))
    for name, points in series.items():
        if len(points) > 1:
            axes.plot(*zip(*sorted(points)), marker="o", label=name.replace("-", " "))
    axes.set_ylim(0, axes.get_ylim()[1] * 1.4)
    axes.set_xlabel("nodes")
    axes.set_ylabel("us")
    axes.legend(frameon=False, fontsize=8)
    axes.set_title("Resolving one change", loc="left", fontsize=10, fontweight="bold")


def draw(rows):
    plt.rcParams.update({
        "svg.hashsalt": "sextant", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False,
        "axes.spines.right": False, "font.family": "sans-serif",
    })  # fmt: skip
    def of(bench, start=""):
        return [row for row in rows if row["bench"] == bench and row["case"].startswith(start)]

    panels = []
    if udp := of("dataplane", "udp64"):
        panels.append((2, lambda axes: bars(axes, udp, "Packets of 64 bytes, one processor", "1000 packets/s", 1e3)))
    if tcp := of("dataplane", "tcp"):
        panels.append((1, lambda axes: bars(axes, tcp, "One TCP connection", "Gbit/s", 1e9)))
    if routes := [row for row in of("programming") if "peer" in row and "scattered" not in row["case"]]:
        panels.append((1, lambda axes: bars(axes, routes, "Programming 100,000 prefixes", "ms")))
    if resolver := of("resolver"):
        panels.append((1, lambda axes: resolver_lines(axes, resolver)))
    if cni := of("cni"):
        panels.append((1, lambda axes: bars(axes, cni, "CNI ADD plus DEL", "ms")))
    if prefixes := [row for row in of("bgp", "prefixes") if row["unit"] == "ms" and "processor" not in row["case"]]:
        panels.append((2, lambda axes: bars(axes, prefixes, "500,000 BGP prefixes from two peers", "ms", logarithmic=True)))
    if memory := [row for row in of("bgp") if row["case"] in ("prefixes-memory", "policies-memory")]:
        panels.append((1, lambda axes: bars(axes, memory, "Memory of a BGP daemon", "MB", logarithmic=True)))
    if not panels:
        sys.exit("nothing to draw: no result of dataplane, programming, resolver, cni or bgp")
    columns = 3
    lines, used = 1, 0
    places = []
    for width, panel in panels:
        if used + width > columns:
            lines, used = lines + 1, 0
        places.append((lines - 1, used, width, panel))
        used += width
    figure = plt.figure(figsize=(13, 3.6 * lines), layout="constrained")
    grid = figure.add_gridspec(lines, columns)
    for line, column, width, panel in places:
        axes = figure.add_subplot(grid[line, column : column + width])
        panel(axes)
        for label in axes.get_xticklabels():
            label.set_fontsize(8)
    figure.savefig(PLOT, metadata={"Date": None})


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    rows = with_earlier(read(sys.argv[1:]))
    draw(rows)
    rewrite_page(rows)
    print(f"wrote {PLOT.relative_to(ROOT)} and the figures of {PAGE.relative_to(ROOT)}")


main()
