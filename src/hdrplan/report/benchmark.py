"""The benchmark as a page: every number comes from the table that ``hdrplan bench`` measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hdrplan.report.layout import save_figure

__all__ = ["bench_figure", "bench_page"]

_FLOPS_PER_PAIR = 100
"""Additions and multiplications of the float32 kernel for one point and one dwell, counted in its source."""

_GRID, _TABLES, _MATRIX = "dose grid, blocks", "rate matrix, float32 tables", "rate matrix, float64"


def bench_page(table: Mapping[str, Any], picture: str) -> str:
    """Return the page in Markdown.

    Parameters
    ----------
    table : mapping
        From :func:`hdrplan.bench.bench`; ``peers`` is optional.
    picture : str
        Path of the picture as the page sees it.
    """
    machine = table["machine"]
    head = f"""# Dose engine: speed and accuracy

This page shows how fast and how accurate the dose engine is. It is made by `make bench`; no number is typed by hand.

The machine had a processor {machine["processor"]} with {machine["threads"]} threads, {machine["system"]}, Python
{machine["python"]}, {", ".join(f"{k} {v}" for k, v in machine["versions"].items())}. Its load was
{machine["load_1min"]:.1f} when the run began. On a machine with other work, CPU seconds and ratios are more reliable
than wall seconds.

Every result is first compared with the float64 reference at sampled places. It is timed only if it keeps its bound.
Deviations are relative. For matrices they cover points at least 2 mm from a dwell, for grids voxels at least 1 mm from
every capsule; points near the axes of the sources are included.

![Pairs per CPU second]({picture})
"""
    sections = [head, _goals(table), _limits(table), *_runs(table)]
    sections += [_peers(table)] if table.get("peers") else []
    sections += [_change(table), _start_up(table), _code(table)]
    return "\n".join(section for section in sections if section)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _speed(run: Mapping[str, Any]) -> float:
    return float(run["pairs"] / run["cpu_s"])


def _find(table: Mapping[str, Any], name: str, size: str, threads: int = 1) -> Mapping[str, Any] | None:
    runs = (r for r in table["runs"] if (r["comparison"], r["size"], r["threads"]) == (name, size, threads))
    return next(runs, None)


def _peer_speed(table: Mapping[str, Any]) -> float | None:
    peers = [p for p in table.get("peers", []) if p["name"].startswith("pygrpm")]
    return float(peers[0]["pairs"] / peers[0]["cpu_s"]) if peers else None


def _goals(table: Mapping[str, Any]) -> str:
    rows: list[tuple[str, str, str]] = []
    peer = _peer_speed(table)
    tables, grid, huge = (_find(table, n, s) for n, s in ((_TABLES, "common"), (_GRID, "common"), (_GRID, "huge")))
    for name, run, goal in (("float32 kernel", tables, 80), ("whole grid", grid, 600)):
        if run and peer:
            times = _speed(run) / peer
            reached = f"{times:.0f} times, deviation at most {100 * run['deviation']['largest']:.4f} %"
            rows.append((f"{name}: at least {goal} times pygrpm per CPU second", reached, _met(times >= goal)))
    if grid and huge:
        ratio = huge["cpu_s"] / huge["places"] / (grid["cpu_s"] / grid["places"])
        rows.append((f"256^3 x {huge['dwells']}: cost per voxel below twice that of 128^3 x 60", f"{ratio:.2f} times",
                     _met(ratio < 2.0)))  # fmt: skip
    for name, size in ((name, size) for name in (_TABLES, _MATRIX) for size in ("common", "huge")):
        run = _find(table, name, size, table["machine"]["threads"])
        if run:
            ratio = run["cpu_s"] / run["fill_new_cpu_s"]
            words = (
                f"{name}, {run['places']:,} x {run['dwells']}: at most twice a plain fill of a new array of its size"
            )
            again = run["cpu_s"] / run["fill_again_cpu_s"]
            unread = run["unread_cpu_s"] / run["fill_new_cpu_s"]
            reached = (
                f"{ratio:.1f} times its CPU time ({again:.1f} times a fill of memory already in use; "
                f"the arithmetic alone, table unread, {unread:.1f} times a fill of a new array)"
            )
            rows.append((words, reached, _met(ratio <= 2.0)))
    change = table.get("change")
    if change:
        wall = 1000 * change["one moved catheter"]["wall_s"]
        rows.append((f"a moved catheter at {change['points']:,} points below 50 ms", f"{wall:.0f} ms", _met(wall < 50)))
    return "## Targets\n\n" + _table(("target", "reached", ""), rows) if rows else ""


def _met(yes: bool) -> str:
    return "met" if yes else "**not met**"


def _limits(table: Mapping[str, Any]) -> str:
    rows = [
        (threads, *(f"{limits[k] / 1e9:.1f}" for k in ("write_bytes_per_s", "fresh_bytes_per_s", "copy_bytes_per_s")),
         f"{limits['flops'] / 1e9:.0f}")
        for threads, limits in table["limits"].items()
    ]  # fmt: skip
    header = ("threads", "fill, GB/s", "fill of new memory, GB/s", "copy (read + write), GB/s", "float32 Gflop/s")
    return "## The machine's limits in this run\n\n" + _table(header, rows)


def _runs(table: Mapping[str, Any]) -> Iterable[str]:
    for size in dict.fromkeys(run["size"] for run in table["runs"]):
        rows = []
        for run in (r for r in table["runs"] if r["size"] == size):
            flops = table["limits"]["1"]["flops"]
            error = run["deviation"]
            rows.append((
                run["comparison"], str(run["threads"]), f"{run['places']:,} x {run['dwells']}",
                f"{run['wall_s']:.4f}", f"{run['cpu_s']:.4f}", f"{_speed(run):.3g}",
                f"{100 * _speed(run) * _FLOPS_PER_PAIR / flops:.0f} %" if run["what"] != "field" else "",
                f"{1e9 * run['cpu_s'] / run['places']:.0f}",
                f"{error['p99']:.1e} / {error['largest']:.1e}", f"{run['bound']:.0e}",
                f"{run['cpu_s'] / run['fill_new_cpu_s']:.1f}" if "fill_new_cpu_s" in run else "",
            ))  # fmt: skip
        header = ("", "threads", "places x dwells", "wall s", "CPU s", "pairs per CPU s", "share of arithmetic limit",
                  "CPU ns per place", "deviation p99 / max", "bound", "times a fill")  # fmt: skip
        yield f"## Size: {size}\n\n" + _table(header, rows)


def _peers(table: Mapping[str, Any]) -> str:
    rows = [
        (p["name"], p["licence"], f"{p['pairs']:.2g}", f"{p['cpu_s']:.2f}", f"{p['pairs'] / p['cpu_s']:.3g}",
         f"{100 * p['deviation']['median']:.3g} / {100 * p['deviation']['p99']:.3g} / "
         f"{100 * p['deviation']['largest']:.3g} %")
        for p in table["peers"]
    ]  # fmt: skip
    text = """## Other programs

Each peer computed the same dwells with the same source table, at a sample of the voxels of the common problem, in an
environment of its own (`python -m benchmarks --peers`). hdrplan never imports them.

"""
    header = ("", "licence", "pairs", "CPU s", "pairs per CPU s", "deviation median / p99 / max")
    return text + _table(header, rows)


def _change(table: Mapping[str, Any]) -> str:
    change = table.get("change")
    if not change:
        return ""
    whole = change["whole dose"]["cpu_s"]
    rows = [
        (name, f"{1000 * change[name]['wall_s']:.1f}", f"{1000 * change[name]['cpu_s']:.1f}",
         f"{whole / change[name]['cpu_s']:.0f}")
        for name in ("whole dose", "one moved catheter", "one changed time")
    ]  # fmt: skip
    title = f"## Recomputing after a change: {change['points']:,} points, {change['dwells']} dwells\n\n"
    return title + _table(("", "wall ms", "CPU ms", "times faster"), rows)


def _start_up(table: Mapping[str, Any]) -> str:
    if not table["start_up"]:
        return ""
    rows = [
        (s["comparison"], f"{s['import_s']:.2f}", f"{s['first_run_ever_s']:.2f}", f"{s['first_run_s']:.2f}",
         f"{s['warm_run_s']:.3f}", f"{s['peak_bytes'] / 1e6:.0f} ({s['result_bytes'] / 1e6:.0f}, {s['size']})")
        for s in table["start_up"]
    ]  # fmt: skip
    text = """## Start-up and memory

Each row is a small problem in a new process. The first process ever compiles the kernels; later ones load them. Peak
memory is the maximum that a run of the named size allocates (NumPy arrays, measured by tracemalloc). The size of the
result itself is in brackets.

"""
    header = ("", "import s", "first call ever s", "first call of a later process s", "warm call s", "peak MB (result)")
    return text + _table(header, rows)


def _code(table: Mapping[str, Any]) -> str:
    code = table.get("machine_code")
    if not code:
        return ""
    counts = ", ".join(f"{n} {name}" for name, n in code.items() if name not in ("register_bits", "call"))
    return f"""## Machine code

The float32 kernel (`kernels/lattice.py`, one dwell, many points) was compiled to {code["register_bits"]}-bit vector
instructions, which compute {code["register_bits"] // 32} points at once: {counts}. No trigonometric function is called.
The table is read by pairs of neighbours, without gathers (`vmovsd`, `vmovhps`); that, the square roots and the
divisions take most of the time. Decision 0020 gives the details.
"""


def bench_figure(table: Mapping[str, Any], path: Path) -> None:
    """Draw the speeds on the common problem between the limits of the machine.

    Parameters
    ----------
    table : mapping
        From :func:`hdrplan.bench.bench`.
    path : Path
        .png or .svg.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = "common" if any(r["size"] == "common" for r in table["runs"]) else table["runs"][0]["size"]
    bars = [(p["name"], p["pairs"] / p["cpu_s"], "#9a9a9a") for p in table.get("peers", [])]
    runs = [r for r in table["runs"] if r["threads"] == 1 and r["size"] in (size, "huge")]
    bars += [
        (
            f"{r['comparison']} ({r['places']:,} x {r['dwells']})",
            _speed(r),
            "#0a9b76" if r["what"] == "field" else "#2e8fd0",
        )
        for r in runs
        if r["size"] == size or r["comparison"] == _GRID
    ]
    bars.sort(key=lambda bar: bar[1])
    limits = table["limits"]["1"]
    with rc_context({"font.size": 9.0, "svg.hashsalt": "hdrplan", "axes.axisbelow": True}):
        figure = Figure(figsize=(10.0, 0.42 * len(bars) + 1.6), dpi=130, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        drawn = axes.barh([b[0] for b in bars], [b[1] for b in bars], color=[b[2] for b in bars])
        axes.bar_label(drawn, [f" {b[1]:.2g}" for b in bars])
        for label, value, colour in (
            ("write a new float64 matrix", limits["fresh_bytes_per_s"] / 8, "#c4602d"),
            (f"{_FLOPS_PER_PAIR} operations a pair", limits["flops"] / _FLOPS_PER_PAIR, "#8f6fd1"),
        ):
            axes.axvline(value, color=colour, linestyle="--", linewidth=1.2, label=f"limit, 1 thread: {label}")
        axes.set_xscale("log")
        axes.set_xlim(right=max(b[1] for b in bars) * 4)
        axes.set_xlabel("point-dwell pairs (or what stands for them) per CPU second, one thread")
        axes.grid(axis="x", alpha=0.3)
        axes.legend(loc="lower right", fontsize=8)
        save_figure(figure, path)
