"""The planner's options: one table of their units, ranges, defaults and meaning.

:class:`PlanOptions` checks itself by it, ``io`` reads ``[dwells]`` of a case by it, ``cli`` makes flags of it. It
stands on the ground floor and imports nothing heavy, so that ``--help`` is quick.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from hdrplan.errors import InputError

__all__ = ["PLAN_OPTIONS", "Option", "PlanOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is known of an option that is a number.

    Parameters
    ----------
    default : float
    unit : str
        Empty for a ratio.
    minimum, maximum : float
    help : str
        One line.
    in_case : bool
        A case may set it, under ``[dwells]``; others are chosen anew for each plan.
    """

    default: float
    unit: str
    minimum: float
    maximum: float
    help: str
    in_case: bool = True

    def check(self, name: str, value: float, *, where: object = None) -> None:
        """Refuse a value out of range.

        Parameters
        ----------
        name : str
            Of the option.
        value : float
        where : object
            What the message names first: the file, and the place in it.

        Raises
        ------
        InputError
            Below the minimum, above the maximum, NaN.
        """
        if not self.minimum <= value <= self.maximum:
            raise InputError(
                f"{name} must lie between {self.minimum:g} and {self.maximum:g}", got=f"{value:g}", where=where
            )


def _number(default: float, unit: str, minimum: float, maximum: float, help_: str, *, in_case: bool = True) -> float:
    """Return a field of :class:`PlanOptions` with its row of the table."""
    option = Option(default=default, unit=unit, minimum=minimum, maximum=maximum, help=help_, in_case=in_case)
    return field(default=default, metadata={"option": option})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """Choices of :func:`hdrplan.workflow.plan_case`; the defaults are those of the demo.

    Parameters
    ----------
    step_mm : float
        Distance of neighbouring dwell positions in a catheter.
    tip_offset_mm : float
        Distance of the first dwell position from the catheter's tip (dead space of a closed tip).
    margin_mm : float
        Dwell positions lie at most this far outside a CTV.
    max_dwell_s : float
        Longest time at one position.
    sample_mm : float
        Edge of the cubes in which structures are sampled.
    dose_margin_mm : float
        The dose grid is the CT's, cut to the CTVs and dwells plus this margin.
    time_step_s : float
        The afterloader's resolution: times are multiples of it, those that keep every D100 and lose least. 0 keeps real
        numbers.
    min_dwell_s : float
        Minimum time of a dwell; shorter ones are omitted.
    time_ratio : float
        Neighbouring times in a catheter differ at most by this factor; 0: no limit.
    source_speed_mm_per_s : float
        Speed of the moving source: its dose counts (:class:`hdrplan.geometry.Transit`). 0 leaves it out.
    every_point : bool
        Prove D100 at every point of the CTVs, not only at the sample points, between which some Gy may be missing;
        costs 0.1 % more dose.
    proof_s : float
        Seconds to spend at most on the proof of a plan whose dose-volume goals bind (not convex); 0: no such proof.
    fewest_dwells : bool
        Leave out dwells that are not needed: at most a ten-thousandth of the objective is given back.

    Raises
    ------
    InputError
        A number out of its range in :data:`PLAN_OPTIONS`.
    """

    # 0.5 to 50 mm: below no afterloader steps, above is another unit.
    step_mm: float = _number(5.0, "mm", 0.5, 50.0, "Distance between dwell positions in a catheter.")
    tip_offset_mm: float = _number(2.7, "mm", 0.0, 100.0, "Distance of the first dwell from the catheter tip.")
    margin_mm: float = _number(5.0, "mm", 0.0, 100.0, "Maximum distance of dwells outside a CTV.")
    max_dwell_s: float = _number(600.0, "s", 0.1, 3600.0, "Maximum time at one dwell position.")
    # 0.1 to 20 mm: below is a billion points, above no organ is resolved.
    sample_mm: float = _number(1.0, "mm", 0.1, 20.0, "Edge length of the cubes that sample structures.")
    dose_margin_mm: float = _number(60.0, "mm", 0.0, 500.0, "Margin of the dose grid around CTVs and dwells.")
    # Current HDR afterloaders program times in steps of 0.1 s.
    time_step_s: float = _number(0.1, "s", 0.0, 10.0, "Time step of the afterloader; 0: no rounding.")
    min_dwell_s: float = _number(0.0, "s", 0.0, 60.0, "Minimum time of a dwell; shorter ones are omitted.")
    time_ratio: float = _number(0.0, "", 0.0, 1000.0, "Maximum ratio of neighbouring times in a catheter.")
    source_speed_mm_per_s: float = _number(
        0.0, "mm/s", 0.0, 5000.0, "Include the dose of the source moving at this speed."
    )
    every_point: bool = True
    proof_s: float = _number(
        60.0, "s", 0.0, 1e4, "Maximum time of the proof where a dose-volume goal binds; 0: no proof.", in_case=False
    )
    fewest_dwells: bool = False

    def __post_init__(self) -> None:
        for name, option in PLAN_OPTIONS.items():
            option.check(name, getattr(self, name))


PLAN_OPTIONS: dict[str, Option] = {f.name: f.metadata["option"] for f in fields(PlanOptions) if f.metadata}
