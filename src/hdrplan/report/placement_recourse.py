"""Which catheter goes in next, why, what one more would buy and what losing one would cost: sentences and a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from hdrplan.geometry import Catheter
from hdrplan.optimize import CatheterLoss
from hdrplan.workflow import Foreseen, PlaceResult

__all__ = [
    "foreseen_lines",
    "foreseen_table",
    "given_catheters",
    "loss_text",
    "new_catheters",
    "number_text",
    "recourse_lines",
    "recourse_table",
]


def given_catheters(result: PlaceResult) -> Iterator[tuple[Catheter, Mapping[str, float]]]:
    """Yield the catheters that are in, each with its nearest obstacles."""
    yield from zip(result.case.catheters[: result.n_given], result.nearest_mm, strict=False)


def new_catheters(result: PlaceResult) -> Iterator[tuple[Catheter, int, Mapping[str, float]]]:
    """Yield the chosen catheters in the order of insertion, each with its candidate and its nearest obstacles."""
    after = result.n_given
    yield from zip(result.case.catheters[after:], result.order, result.nearest_mm[after:], strict=True)


def number_text(count: int, result: PlaceResult) -> str:
    """Say how many catheters are chosen: "2 catheters", beside those that are in "2 more catheters".

    Parameters
    ----------
    count : int
    result : PlaceResult
    """
    if result.n_given and count == 0:
        return "no more catheter"
    return f"{count} {'more ' if result.n_given else ''}catheter{'s' * (count > 1)}"


def loss_text(loss: CatheterLoss, result: PlaceResult) -> str:
    """Say what the other catheters reach without one.

    Parameters
    ----------
    loss : CatheterLoss
    result : PlaceResult
    """
    cost = result.chosen.cost
    if math.isfinite(loss.value):
        return f"{loss.value:.3f} {cost.unit} ({100 * (loss.value / cost.value - 1):+.1f} %)"
    return f"D100 falls to {loss.d100_gy:.2f} Gy" if math.isfinite(loss.d100_gy) else "no plan within the time"


def recourse_lines(result: PlaceResult) -> list[str]:
    """Return the sentences: what is in, the order, the loss of the next catheter, and what one more would buy."""
    recourse, cost = result.placement.recourse, result.chosen.cost
    names = [catheter.name for catheter, _, _ in new_catheters(result)]
    lines = []
    if result.n_given:
        listed = ", ".join(catheter.name for catheter, _ in given_catheters(result))
        lines.append(f"In the patient, unchanged: {listed}.")
    if recourse is not None and names:
        order = f"Order of insertion: {', '.join(names)}. " if len(names) > 1 else ""
        lines.append(
            f"{order}Next is {names[0]}, the catheter whose loss costs most: without it and without replacement "
            f"the others reach: {loss_text(recourse.order[0], result)}."
        )
    if recourse is not None and recourse.replaced is not None:
        again = recourse.replaced
        if math.isfinite(again.value):
            lines.append(
                f"With the best other path{'s' * (len(names) > 1)} instead of {names[0]}'s: {again.value:.3f} "
                f"{again.unit} ({100 * (again.value / cost.value - 1):+.1f} %); no {number_text(len(names), result)} "
                f"without this path can have less than {again.bound:.3f} {again.unit}."
            )
        else:
            proof = "proven" if math.isinf(again.bound) else "not proven"
            lines.append(
                f"No {number_text(len(names), result)} without the path of {names[0]} hold all goals ({proof})."
            )
    return [*lines, _one_more(result)]


def _one_more(result: PlaceResult) -> str:
    """Say what one more catheter than chosen would buy, with its bound."""
    cost = result.chosen.cost
    more = next((c for c in result.placement.curve if c.count == result.chosen.count + 1), None)
    if more is None:
        return "One catheter more than these was not looked at; a larger maximum number does."
    saved, most = 1 - more.cost.value / cost.value, 1 - more.cost.bound / cost.value
    return (
        f"One catheter more would lower the {cost.text} to {more.cost.value:.3f} {cost.unit} ({-100 * saved:+.1f} %), "
        f"and by {100 * most:.1f} % at most: proven."
    )


def recourse_table(result: PlaceResult) -> dict[str, object] | None:
    """Return what place.json holds of the order and the losses; None where nothing was asked."""
    recourse = result.placement.recourse
    if recourse is None:
        return None
    names = [catheter.name for catheter, _, _ in new_catheters(result)]
    again = recourse.replaced
    return {
        "rule": "the catheter whose loss costs most goes in first",
        "order": [
            {
                "name": name,
                "without_it": loss.value if math.isfinite(loss.value) else None,
                "d100_gy_without_it": loss.d100_gy if math.isfinite(loss.d100_gy) else None,
            }
            for name, loss in zip(names, recourse.order, strict=True)
        ],
        "first_replaced": None
        if again is None
        else {
            "candidates": list(recourse.replacement),
            "value": again.value if math.isfinite(again.value) else None,
            "bound": again.bound if math.isfinite(again.bound) else None,
        },
    }


def foreseen_lines(result: PlaceResult) -> list[str]:
    """Return what is said of the next catheter for the best expected end, beside the nominal choice."""
    found = result.foreseen
    if found is None:
        return []
    seen, unit = found.foresight, result.chosen.cost.unit
    best, nominal = seen.best, seen.nominal
    rest = "the rest chosen anew after each and displaced too" if found.remaining > 1 else "nothing more to choose"
    lines = [
        f"Next for the best expected end, over {seen.draws} displacement{'s' * (seen.draws > 1)} of "
        f"{found.error_mm:g} mm (RMS), {rest}: "
        f"{_place_text(found.catheter, found.nearest_mm)}; {_end_text(best, seen.draws, unit)}."
    ]
    same = found.among(result.case.catheters)
    lines.append(
        "It is none of the catheters of this plan: next.mrk.json holds it."
        if same is None
        else f"It is {same.name} of this plan."
    )
    if best.path == nominal.path:
        lines.append("It is also the next one of the nominal choice, which thinks of no error.")
    else:
        lines.append(
            f"Next of the nominal choice, which thinks of no error: "
            f"{_place_text(found.nominal_catheter, found.nominal_nearest_mm)}; {_end_text(nominal, seen.draws, unit)}."
        )
    if seen.best_exact.exact_held == seen.draws:
        gap = 100 * max(0.0, 1 - seen.bound / seen.best_exact.exact)
        whom = "no clear path" if seen.complete else f"none of {seen.tried} of {len(seen.paths)} clear paths"
        whom = f"were the rest to go in as chosen, {whom}" if found.remaining > 1 else whom
        lines.append(
            f"{whom[0].upper()}{whom[1:]} can be expected to end below {seen.bound:.3f} {unit} over these "
            f"displacements (gap {gap:.1f} %)."
        )
    return lines


def _place_text(catheter: Catheter, near: Mapping[str, float]) -> str:
    entry, tip = (" ".join(f"{v:.0f}" for v in at) for at in (catheter.points_mm[0], catheter.points_mm[-1]))
    beside = ", ".join(f"{name} {mm:.1f} mm" for name, mm in near.items()) or "none within 40 mm"
    return f"entry {entry}, tip {tip} (LPS, mm), nearest obstacles: {beside}"


def _end_text(one: Foreseen, draws: int, unit: str) -> str:
    held = f"every hard goal holds in {one.held} of {draws}"
    return held if math.isnan(one.mean) else f"expected {one.mean:.3f} {unit}, {held}"


def foreseen_table(result: PlaceResult) -> dict[str, object] | None:
    """Return what place.json holds of the next catheter for the best expected end; None where it was not asked for."""
    found = result.foreseen
    if found is None:
        return None
    seen = found.foresight
    paths = found.paths
    return {
        "error_mm": found.error_mm,
        "displacements": seen.draws,
        "remaining": found.remaining,
        "bound": seen.bound,
        "clear_paths": len(seen.paths),
        "nominal_path": seen.nominal_path,
        "tried": [
            {
                "path": one.path,
                "entry_mm_lps": paths.entry_mm[one.path].tolist(),
                "tip_mm_lps": paths.tip_mm[one.path].tolist(),
                "without_error": one.nominal if math.isfinite(one.nominal) else None,
                "held": one.held,
                "expected": None if math.isnan(one.mean) else one.mean,
                "expected_priced": one.expected,
                "rest_as_chosen": {"held": one.exact_held, "expected_priced": one.exact, "bound_priced": one.bound},
            }
            for one in seen.paths[: seen.tried]
        ],
    }
