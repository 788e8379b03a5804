"""``hdrplan place``: where the catheters go, before the puncture."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.case import case_options, plan_options, read_case_from
from hdrplan.cli.common import in_flags, json_option, quiet_option, steps_bar, warn
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.io import CaseFile
    from hdrplan.workflow import PlaceOptions, PlaceResult

__all__ = ["command"]

_OWN: tuple[str, ...] = (
    "position",
    "longest",
    "tilt",
    "slant",
    "below",
    "beyond",
    "toward",
    "within",
    "apart",
    "spread",
)
_OWN += ("candidates", "most", "count", "worth", "error", "scenarios", "seed", "time_limit")
# From the lesion to the skin, in LPS.
_TOWARD = {
    "right": (-1.0, 0.0, 0.0),
    "left": (1.0, 0.0, 0.0),
    "anterior": (0.0, -1.0, 0.0),
    "posterior": (0.0, 1.0, 0.0),
    "right-anterior": (-1.0, -1.0, 0.0),
    "left-anterior": (1.0, -1.0, 0.0),
    "right-posterior": (-1.0, 1.0, 0.0),
    "left-posterior": (1.0, 1.0, 0.0),
}


@click.command("place", short_help="Choose catheters before the puncture, with proof.")
@case_options
@click.option("--avoid", multiple=True, metavar="NAME=MM", help="Margin of an obstacle; 0 or less: no obstacle.")
@click.option("--body", default="body", show_default=True, metavar="NAME", help="Structure inside the skin, else CT.")
@click.option("--position", default="supine", show_default=True, help="supine, prone, left-side, right-side, any.")
@click.option("--longest", type=float, default=150.0, show_default=True, metavar="MM", help="From skin to tip.")
@click.option("--tilt", type=float, default=30.0, show_default=True, metavar="DEG", help="Out of the axial plane.")
@click.option("--slant", type=float, default=60.0, show_default=True, metavar="DEG", help="Against the skin's normal.")
@click.option("--below", type=float, default=20.0, show_default=True, metavar="DEG", help="From under the horizontal.")
@click.option("--beyond", type=float, default=5.0, show_default=True, metavar="MM", help="Tip beyond the lesion.")
@click.option("--toward", type=click.Choice(list(_TOWARD)), help="Side of the skin to enter from.")
@click.option("--within", type=float, default=45.0, show_default=True, metavar="DEG", help="Of that direction.")
@click.option("--apart", type=float, default=5.0, show_default=True, metavar="MM", help="Least between two catheters.")
@click.option(
    "--spread", type=float, default=40.0, show_default=True, metavar="DEG", help="Most between two catheters."
)
@click.option("--candidates", type=int, default=50, show_default=True, help="Ways to choose from, at most 64.")
@click.option("--most", type=int, default=8, show_default=True, help="Most catheters looked at.")
@click.option("--count", type=int, help="Take this many, if they suffice.")
@click.option("--worth", type=float, default=5.0, show_default=True, metavar="%", help="What one more must save.")
@click.option(
    "--error", type=float, default=0.0, show_default=True, metavar="MM", help="Placement error to outlive, RMS."
)
@click.option("--scenarios", type=int, default=6, show_default=True, help="Displacements that D100 must outlive.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--time-limit", type=float, default=120.0, show_default=True, metavar="S", help="For search and proof.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write; must not exist.")
@click.option("--overwrite", is_flag=True, help="Replace an output folder that hdrplan wrote.")
@json_option
@quiet_option
def command(output: Path, overwrite: bool, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Choose catheters for a case that has none: how many, which, and what is proven.

    Straight ways from the skin into the lesion keep their margins to every obstacle. Of these the fewest catheters are
    chosen that hold D100 and all hard goals, and of so many those that spare the healthy organ most. CTVs named here
    take the place of the case's. Margins and limits are starting values of this program, not clinical ones.

    \b
    Examples:
      hdrplan place phantoms/liver-lesion-b -o placed
      hdrplan place phantoms/liver-lesion-b --ctv lesion_A --prescription 20 --avoid colon=8 --most 4 -o placed-a
      hdrplan place phantoms/liver-lesion-b --toward right --error 5 -o placed-robust

    The folder is a case ready for `hdrplan plan`: case.toml, catheters.mrk.json (Slicer), images, and place.json,
    place.html, place.png, run.json. Research use only.
    """
    from hdrplan import __version__
    from hdrplan.io import check_free, json_text, new_folder, write_case, write_json, write_run
    from hdrplan.report import placement_figure, placement_html
    from hdrplan.workflow import place_case

    check_free(output, overwrite)
    avoid, body = flags.pop("avoid"), flags.pop("body")
    own = {name: flags.pop(name) for name in _OWN}
    found = read_case_from(flags, before_puncture=True)
    options = _options(found, own, avoid, body)
    warn(found.warnings)
    with steps_bar(quiet=quiet or as_json) as tell:
        result = place_case(
            found.case,
            found.goals,
            found.source,
            found.strength,
            options=options,
            plan_options=plan_options(found),
            body=body,
            on_progress=tell,
        )
    table = _table(result)
    with new_folder(output, overwrite=overwrite) as draft:
        write_case(draft, found, result.case)
        write_json(draft / "place.json", table)
        placement_figure(result, draft / "place.png")
        page = placement_html(result, draft / "place.png", stopped_by=table["lines"]["stopped_by"], version=__version__)
        (draft / "place.html").write_text(page, encoding="utf-8")
        write_run(draft, inputs=found.inputs, options=asdict(options), seconds=result.seconds, seed=options.seed)
    if as_json:
        click.echo(json_text(table), nl=False)
        return
    for line in _lines(result):
        click.echo(line)
    click.echo(
        f"Wrote {output}: look at {output / 'place.html'}, then: hdrplan plan {output} -o PLAN. "
        "Research use only, never for treatment."
    )


def _options(found: CaseFile, own: dict[str, Any], avoid: tuple[str, ...], body: str) -> PlaceOptions:
    from hdrplan.geometry import Reach
    from hdrplan.workflow import PlaceOptions, default_obstacles

    margins = default_obstacles(found.case, body=body)
    names = {s.name for s in found.case.structures}
    for text in avoid:
        name, sign, number = text.partition("=")
        try:
            margin_mm = float(number)
        except ValueError:
            margin_mm = float("nan")
        if not sign or not -1e9 < margin_mm <= 100.0:
            raise InputError("expected --avoid NAME=MM, at most 100 mm", got=repr(text))
        if name not in names:
            raise InputError(f"no structure is named {name!r}", remedy=f"There are: {', '.join(sorted(names))}.")
        if margin_mm > 0:
            margins[name] = margin_mm
        else:
            margins.pop(name, None)
    toward = own["toward"]
    reach = Reach(
        longest_mm=own["longest"],
        tilt_deg=own["tilt"],
        slant_deg=own["slant"],
        below_deg=own["below"],
        position=own["position"],
        beyond_mm=own["beyond"],
        toward=_TOWARD[toward] if toward else None,
        within_deg=own["within"],
    )
    return PlaceOptions(
        margins_mm=margins,
        reach=reach,
        candidates=own["candidates"],
        most=own["most"],
        count=own["count"],
        worth_frac=own["worth"] / 100,
        apart_mm=own["apart"],
        spread_deg=own["spread"],
        time_limit_s=own["time_limit"],
        error_mm=own["error"],
        scenarios=own["scenarios"],
        seed=own["seed"],
    )


def _table(result: PlaceResult) -> dict[str, Any]:
    placement, chosen = result.placement, result.chosen
    ways = result.ways
    return {
        "schema": "hdrplan.place/1",
        "purpose": "research use only, never for treatment",
        "case": result.case.name,
        "margins_mm": dict(zip(result.room.names, result.room.margins_mm.tolist(), strict=True)),
        "lines": {
            "tried": ways.tried,
            "free": result.found,
            "candidates": len(ways),
            "stopped_by": {in_flags(name): count for name, count in ways.blocked.items()},
        },
        "objective": placement.with_all.objective,
        "unit": placement.with_all.unit,
        "all_candidates": placement.with_all.value,
        "bounds_leave_out": list(placement.left_out),
        "curve": [
            {
                "catheters": one.count,
                "candidates": list(one.candidates),
                "value": one.cost.value,
                "bound": one.cost.bound,
                "gap_frac": one.cost.gap_frac,
                "d100_gy": one.d100.value,
                "d100_bound_gy": one.d100.bound,
                "seconds": round(one.seconds, 2),
            }
            for one in placement.curve
        ],
        "linear_programs": placement.solves,
        "chosen": [
            {
                "name": catheter.name,
                "candidate": row,
                "entry_mm_lps": ways.entry_mm[row].tolist(),
                "tip_mm_lps": ways.tip_mm[row].tolist(),
                "length_mm": float(ways.length_mm[row]),
                "tilt_deg": float(ways.tilt_deg[row]),
                "slant_deg": float(ways.slant_deg[row]),
                "nearest_mm": near,
            }
            for catheter, row, near in zip(result.case.catheters, chosen.candidates, result.clear_mm, strict=True)
        ],
        "planned": {
            target.name: {"d100_gy": target.d100_gy, "d98_gy": target.d98_gy, "d50_gy": target.d50_gy}
            for target in result.planned.score.targets
        },
        "certificate": result.planned.optimum.certificate.text if result.planned.optimum else None,
        "total_time_s": result.planned.plan.total_time_s,
        "seconds": result.seconds,
    }


def _lines(result: PlaceResult) -> list[str]:
    placement = result.placement
    lines = [
        f"{result.ways.tried} lines looked at, {result.found} keep every margin and limit, "
        f"{len(result.ways)} candidates"
    ]
    for one in placement.curve:
        mark = "  <- chosen" if one is result.chosen else ""
        number = f"{one.count} catheter{'s' * (one.count > 1)}"
        if one.candidates:
            lines.append(
                f"{number}: {one.cost.objective} {one.cost.value:.3f} {one.cost.unit}, no set below "
                f"{one.cost.bound:.3f} (gap {100 * one.cost.gap_frac:.2f} %){mark}"
            )
        else:
            none = "no set found that holds everything" if math.isfinite(one.cost.bound) else "no set holds it, proven"
            reached = f"{one.d100.value:.2f} Gy" if math.isfinite(one.d100.value) else "unknown"
            lines.append(f"{number}: {none}; best D100 found: {reached}")
    if placement.left_out:
        lines.append(f"The bounds leave out: {'; '.join(placement.left_out)}; the plans hold them.")
    for catheter, row, near in zip(result.case.catheters, result.chosen.candidates, result.clear_mm, strict=True):
        beside = ", ".join(f"{name} {mm:.0f} mm" for name, mm in near.items())
        lines.append(
            f"{catheter.name}: {result.ways.length_mm[row]:.0f} mm, {result.ways.tilt_deg[row]:.0f} deg out of the "
            f"axial plane; nearest: {beside or 'nothing within 40 mm'}"
        )
    lines += [
        f"planned: {target.name} D100 {target.d100_gy:.2f} Gy, D98 {target.d98_gy:.2f} Gy, D50 {target.d50_gy:.1f} Gy"
        for target in result.planned.score.targets
    ]
    if result.planned.optimum is not None:
        lines += list(result.planned.optimum.lines)
    return lines
