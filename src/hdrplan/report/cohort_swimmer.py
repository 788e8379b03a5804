"""Each lesion's story as a lane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.figure import Figure

from hdrplan.analysis import Lane
from hdrplan.report.cohort_style import BLUE, GREEN, INK, ORANGE, PURPLE, STYLE

__all__ = ["swimmer_figure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """How one kind of event is drawn, and on which days of a lane it is."""

    label: str
    days: Callable[[Lane], tuple[int, ...]]
    marker: str
    colour: str
    size: float
    edge_width: float | None = None


def _days(day: int | None) -> tuple[int, ...]:
    return () if day is None else (day,)


_BARS = (BLUE, ORANGE, GREEN)
# Pale on paper, dim on a dark screen: marks are seen on both.
_ALPHA = 0.22
_MARKS = (
    _Mark(label="session", days=lambda r: r.sessions, marker="D", colour=PURPLE, size=3.2),
    _Mark(label="clean scan", days=lambda r: r.clean_scans, marker="|", colour=INK, size=4.5, edge_width=0.7),
    _Mark(label="local recurrence", days=lambda r: _days(r.recurrence), marker="o", colour=ORANGE, size=4.2),
    _Mark(
        label="other treatment of the lesion",
        days=lambda r: _days(r.other_treatment),
        marker="s",
        colour=GREEN,
        size=3.6,
    ),
    _Mark(label="death", days=lambda r: _days(r.death), marker="x", colour=INK, size=4.2, edge_width=1.2),
)


def swimmer_figure(rows: Sequence[Lane], *, n: int, days_per_month: float) -> Figure:
    """Draw one lane a lesion: sessions, scans, recurrence, other treatment, death. No ids.

    Parameters
    ----------
    rows : sequence of Lane
    n : int
        Lesions in all, of which the lanes are some.
    days_per_month : float

    Returns
    -------
    matplotlib.figure.Figure
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 1.5 + 0.125 * len(rows)), layout="constrained")
        axes = figure.subplots()
        kinds = list(dict.fromkeys(sorted(r.tumour_type for r in rows)))
        for y, r in enumerate(rows):
            start = min((*r.sessions, 0))
            axes.barh(y, (r.end - start) / days_per_month, left=start / days_per_month, height=0.72,
                      color=_BARS[kinds.index(r.tumour_type) % 3], alpha=_ALPHA, lw=0)  # fmt: skip
        for mark in _MARKS:
            points = [(day / days_per_month, y) for y, r in enumerate(rows) for day in mark.days(r)]
            if points:
                axes.plot(*zip(*points, strict=True), ls="none", label=mark.label, marker=mark.marker,
                          color=mark.colour, ms=mark.size, mew=mark.edge_width)  # fmt: skip
        for k, kind in enumerate(kinds):
            axes.barh([-9], [0], color=_BARS[k % 3], alpha=_ALPHA, label=kind)
        shown = f"{len(rows)} of {n} lesions, evenly over the order" if n > len(rows) else f"all {n} lesions"
        first = min(min((*r.sessions, 0)) for r in rows) / days_per_month
        last = max(r.end for r in rows) / days_per_month
        axes.set(ylim=(len(rows) - 0.3, -0.7), xlim=(first - 0.02 * last, 1.03 * last), yticks=[],
                 xlabel="months from completion of treatment",
                 title=f"Follow-up of {shown}")  # fmt: skip
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower right", fontsize=8)
        return figure
