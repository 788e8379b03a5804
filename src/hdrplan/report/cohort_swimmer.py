"""Each lesion's story as a lane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from hdrplan.analysis import Lane
from hdrplan.report.cohort_style import GREEN, INK, ORANGE, PURPLE, STYLE

__all__ = ["swimmer_figure"]


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
        marks: dict[str, tuple[list[float], list[int], dict[str, Any]]] = {
            "session": ([], [], {"marker": "D", "color": PURPLE, "ms": 3.2}),
            "clean scan": ([], [], {"marker": "|", "color": INK, "ms": 4.5, "mew": 0.7}),
            "local recurrence": ([], [], {"marker": "o", "color": ORANGE, "ms": 4.2}),
            "other treatment of the lesion": ([], [], {"marker": "s", "color": GREEN, "ms": 3.6}),
            "death": ([], [], {"marker": "x", "color": "black", "ms": 4.2, "mew": 1.2}),
        }
        for y, r in enumerate(rows):
            start = min((*r.sessions, 0))
            axes.barh(y, (r.end - start) / days_per_month, left=start / days_per_month, height=0.72,
                      color=("#cfe3f2", "#f6dcc6", "#dfead0")[kinds.index(r.tumour_type) % 3], lw=0)  # fmt: skip
            events = (r.sessions, r.clean_scans, _day(r.recurrence), _day(r.other_treatment), _day(r.death))
            for (xs, ys, _), days in zip(marks.values(), events, strict=True):
                xs += [d / days_per_month for d in days]
                ys += [y] * len(days)
        for name, (xs, ys, style) in marks.items():
            if xs:
                axes.plot(xs, ys, ls="none", label=name, **style)
        for k, kind in enumerate(kinds):
            axes.barh([-9], [0], color=("#cfe3f2", "#f6dcc6", "#dfead0")[k % 3], label=kind)
        shown = f"{len(rows)} of {n} lesions, evenly over the order" if n > len(rows) else f"all {n} lesions"
        first = min(min((*r.sessions, 0)) for r in rows) / days_per_month
        last = max(r.end for r in rows) / days_per_month
        axes.set(ylim=(len(rows) - 0.3, -0.7), xlim=(first - 0.02 * last, 1.03 * last), yticks=[],
                 xlabel="months from completion of treatment",
                 title=f"Follow-up of {shown}")  # fmt: skip
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower right", fontsize=8)
        return figure


def _day(day: int | None) -> tuple[int, ...]:
    return () if day is None else (day,)
