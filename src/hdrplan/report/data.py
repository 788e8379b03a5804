"""What a report shows, as plain values: how it was computed is not the report's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hdrplan.arrays import FloatArray, freeze
from hdrplan.dose import Shape
from hdrplan.errors import InputError
from hdrplan.geometry import Catheter, Dwells, Structure, Volume
from hdrplan.plan import Plan, Prescription

__all__ = ["Curve", "GoalRow", "ReportData"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A cumulative dose-volume histogram.

    Parameters
    ----------
    name, role : str
        Of the structure.
    dose_gy : (n,) array
        Rising.
    volume_frac : (n,) array
        Share of the structure that receives at least ``dose_gy``; falls from 1 to 0.
    volume_cc : float
        Volume of the whole structure.
    """

    name: str
    role: str
    dose_gy: FloatArray
    volume_frac: FloatArray
    volume_cc: float

    def __post_init__(self) -> None:
        freeze(self, "dose_gy", (None,))
        freeze(self, "volume_frac", (len(self.dose_gy),))


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalRow:
    """One goal with what was reached.

    Parameters
    ----------
    structure, goal, reached : str
        In the clinic's words with units: "D1cc <= 14 Gy", "12.31 Gy".
    met : bool or None
        None where the plan gives no value to judge.
    source : str
        Where the limit comes from.
    level : int
        Of priority; 0 is a hard limit.
    mark_gy, mark_frac : float or None
        Where the goal lies in the DVH plot; None where it has no place there.
    is_minimum : bool
        Whether the goal is a minimum, not a maximum.
    """

    structure: str
    goal: str
    reached: str
    met: bool | None
    source: str
    level: int = 0
    mark_gy: float | None = None
    mark_frac: float | None = None
    is_minimum: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportData:
    """Everything a plan report shows.

    Parameters
    ----------
    title : str
        Name of the case; free of patient identifiers.
    ct : Volume or None
        HU.
    structures, catheters : tuple
    dwells : Dwells
    times_s : (n_dwells,) array
    dose : Volume
        Gy.
    prescriptions : tuple of Prescription
        The first one sets the isodose levels.
    curves : tuple of Curve
    metrics : mapping
        Structure name -> {"role": ..., "volume_cc": ..., "d100_gy": ..., ...}.
    goals : tuple of GoalRow
    rules : tuple of GoalRow
        Rules on dwell times that the plan was made under, with what the times reach.
    tiles : tuple of (label, value, note)
        The headline numbers.
    facts : tuple of (label, value)
        Site, source, calibration, strength, method: what a plan review asks for (AAPM MPPG 11.a, table 12).
    claim : str
        The certificate in one sentence.
    certificate, binding : tuple of str
        One sentence each: why the plan is the best there is; what holds it and at which price.
    methods, references : tuple of str
    provenance : mapping of str to str
    warnings : tuple of (id, sentence, remedy)
        What was doubted about the case and the plan.
    shapes : mapping
        Structure name -> smooth shape that its doses are judged on; outlines are drawn from it.
    version : str
    plan : Plan or None
        What the page is about; its hash stands in the header.
    made : str
        When, as ISO 8601.
    dose_kind : str
        Which dose all figures of the page are, where that is not TG-43: stands in the header and above them.
    """

    title: str
    ct: Volume | None
    structures: tuple[Structure, ...]
    catheters: tuple[Catheter, ...]
    dwells: Dwells
    times_s: FloatArray
    dose: Volume
    prescriptions: tuple[Prescription, ...]
    curves: tuple[Curve, ...] = ()
    metrics: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    goals: tuple[GoalRow, ...] = ()
    rules: tuple[GoalRow, ...] = ()
    tiles: tuple[tuple[str, str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    claim: str = ""
    certificate: tuple[str, ...] = ()
    binding: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[tuple[str, str, str], ...] = ()
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    version: str = ""
    plan: Plan | None = None
    made: str = ""
    dose_kind: str = ""

    def __post_init__(self) -> None:
        freeze(self, "times_s", (len(self.dwells),))
        if not self.prescriptions:
            raise InputError("a report needs the prescription that its isodoses refer to", got="none", where=self.title)
