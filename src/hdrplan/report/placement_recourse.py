"""Which catheter goes in next, why, what one more would buy and what losing one would cost: sentences and a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from hdrplan.geometry import Catheter
from hdrplan.optimize import CatheterLoss
from hdrplan.workflow import PlaceResult

__all__ = ["given_catheters", "loss_text", "new_catheters", "number_text", "recourse_lines", "recourse_table"]


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
