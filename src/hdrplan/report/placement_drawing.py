"""The picture of a placement: slices, each needle's own plane, its view, the curves, the facts."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from hdrplan.report.layout import save_figure
from hdrplan.report.needle_slices import draw_needle, draw_slice, focus_of
from hdrplan.report.needle_space import draw_body, draw_needle_view
from hdrplan.report.placement_text import fact_lines
from hdrplan.report.planes import VIEWS
from hdrplan.report.skin_drawing import draw_skin
from hdrplan.report.themed import FAINT, INK, SOFT, inked, screen_svg
from hdrplan.workflow import PlaceResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["placement_figure", "placement_panels", "placement_planes"]


def placement_figure(result: PlaceResult, path: Path) -> None:
    """Draw a placement on one page.

    Parameters
    ----------
    result : PlaceResult
    path : Path
        .png, .svg or .pdf.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    catheters = result.case.catheters
    columns = 4
    rows = 2 + -(-len(catheters) // columns)
    with rc_context({"font.size": 8.0, "axes.titlesize": 9.0, "svg.hashsalt": "hdrplan"}):
        figure = Figure(figsize=(4.1 * columns, 3.9 * rows), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        spec = figure.add_gridspec(rows, columns)
        focus = focus_of(result)
        for k, (name, view) in enumerate(VIEWS.items()):
            draw_slice(figure.add_subplot(spec[0, k]), result, name, view, focus)
        draw_body(figure.add_subplot(spec[0, 3], projection="3d"), result)
        draw_needle_view(figure.add_subplot(spec[1, 0]), result)
        _draw_curve(figure.add_subplot(spec[1, 1]), result)
        _draw_d100(figure.add_subplot(spec[1, 2]), result)
        _draw_facts(figure.add_subplot(spec[1, 3]), result)
        for k, catheter in enumerate(catheters):
            axes = figure.add_subplot(spec[2 + k // columns, k % columns])
            draw_needle(axes, result, catheter, k)
            near = ", ".join(f"{name} {mm:.0f}" for name, mm in list(result.nearest_mm[k].items())[:2])
            axes.set_title(f"{catheter.name}; nearest (mm): {near}")
        given = f"{result.n_given} catheters in, " if result.n_given else ""
        figure.suptitle(
            f"{result.case.name}: {given}{len(catheters) - result.n_given} planned catheters. "
            "Research use only, never for treatment.",
            fontsize=11.0,
        )
        save_figure(figure, path)


def placement_panels(result: PlaceResult) -> list[tuple[str, str]]:
    """Return caption and picture (SVG) of what the page shows of a placement beside the cards of its needles.

    Parameters
    ----------
    result : PlaceResult
    """
    wanted = result.planned.goals.doses[0].dose_gy
    with inked(font_size=9.0, axes_titlesize=10.0):
        body, _ = _panel((5.6, 4.4), 0)
        draw_body(body.add_subplot(projection="3d"), result)
        from_skin, axes = _panel((5.6, 4.4), 1)
        draw_needle_view(axes[0], result)
        # Thousands of points as paths would be megabytes.
        for cloud in (body.axes[0], *axes[0].collections):
            cloud.set_rasterized(True)
        for axis in (body.axes[0], axes[0]):
            axis.set_title("")
        entries, axes = _panel((5.6, 4.4), 1)
        draw_skin(axes[0], result)
        axes[0].set_title("")
        dose, axes = _panel((5.6, 3.8), 1)
        _draw_curve(axes[0], result)
        coverage, axes = _panel((5.6, 3.8), 1)
        _draw_d100(axes[0], result)
        drawn = (
            ("Skin, bones, organs, lesion and needles.", body),
            (
                "Entries on the skin, seen from where the needles come. Dashed: ways below it; brown: bones in front.",
                entries,
            ),
            ("What lies along the needles, seen from the skin. Dots are entries.", from_skin),
            ("What more catheters gain, and what no set can pass.", dose),
            (f"D100 that each number of catheters reaches; dashed: {wanted:g} Gy prescribed.", coverage),
        )
        return [(text, screen_svg(figure)) for text, figure in drawn]


def placement_planes(result: PlaceResult) -> list[tuple[str, str]]:
    """Return name and picture (SVG) of the three planes through the middle of the first CTV.

    Parameters
    ----------
    result : PlaceResult
    """
    planes = []
    with inked(font_size=9.0, axes_titlesize=10.0):
        for name, view in VIEWS.items():
            figure, (axes,) = _panel((4.2, 4.0), 1)
            draw_slice(axes, result, name, view, focus_of(result))
            axes.set_title("")
            planes.append((name, screen_svg(figure)))
    return planes


def _panel(size_in: tuple[float, float], columns: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size_in, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(1, columns, k + 1) for k in range(columns)]


def _number_label(result: PlaceResult) -> str:
    return "Further catheters" if result.n_given else "Catheters"


def _draw_curve(axes: Axes, result: PlaceResult) -> None:
    curve = result.placement.curve
    held = [o for o in curve if o.candidates]
    axes.plot([o.count for o in held], [o.cost.value for o in held], "o-", color="#2e8fd0", label="best set found")
    bounded = [o for o in curve if np.isfinite(o.cost.bound)]
    axes.plot(
        [o.count for o in bounded], [o.cost.bound for o in bounded], "v--", color="#d98200", label="proven minimum"
    )
    axes.axhline(
        result.placement.with_all.value, color=SOFT, lw=0.9, ls=":", label=f"all {len(result.trajectories)} candidates"
    )
    axes.plot(result.chosen.count, result.chosen.cost.value, "o", ms=12, mfc="none", mec=INK, label="chosen")
    axes.set(
        xlabel="Further catheters" if result.n_given else "Catheters",
        ylabel=f"{result.placement.with_all.text} ({result.placement.with_all.unit})",
    )
    axes.set_ylim(0, None)
    axes.set_xticks([o.count for o in curve])
    axes.grid(color=FAINT)
    axes.legend(fontsize=7)
    axes.set_title("Healthy dose and number of catheters")


def _draw_d100(axes: Axes, result: PlaceResult) -> None:
    curve = result.placement.curve
    wanted = result.planned.goals.doses[0].dose_gy
    axes.plot([o.count for o in curve], [o.d100.value for o in curve], "o-", color="#2e8fd0", label="best set found")
    axes.plot([o.count for o in curve], [o.d100.bound for o in curve], "^--", color="#d98200", label="proven maximum")
    axes.axhline(wanted, color=SOFT, lw=0.9, ls="--")
    axes.set(xlabel=_number_label(result), ylabel="D100 (Gy)")
    axes.set_xticks([o.count for o in curve])
    axes.grid(color=FAINT)
    axes.legend(fontsize=7, loc="lower right")
    axes.set_title(f"D100 at the {result.placement.with_all.text} of {curve[-1].count} catheters")


def _draw_facts(axes: Axes, result: PlaceResult) -> None:
    axes.axis("off")
    wanted = result.planned.goals.doses[0].dose_gy
    facts = [*fact_lines(result), f"Dashed: {wanted:g} Gy. Numbers mark the catheters at their entry."]
    lines = [text for line in facts for text in wrap(line, 58, subsequent_indent="   ")]
    axes.text(0.0, 1.0, "\n".join(lines), va="top", fontsize=7.5)
