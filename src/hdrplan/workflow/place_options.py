"""What a placement may choose from and how long it may take: the user's numbers, none of them a clinical limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hdrplan.errors import InputError
from hdrplan.geometry import Reach
from hdrplan.optimize import MAXIMUM_CANDIDATES

__all__ = ["PlaceOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOptions:
    """Choices of :func:`hdrplan.workflow.place_case`; none is a clinical limit.

    Parameters
    ----------
    margins_mm : mapping
        Obstacle -> margin.
    reach : Reach
        Length, angles, position of the patient.
    candidates : int
        Paths to choose from, at most 64.
    most : int
        Maximum number of catheters, those not counted that are in already.
    count : int or None
        This many further catheters, whatever one more is worth; more where so many hold no prescription.
    worth_frac : float
        What a further catheter must save of the healthy dose to be taken.
    apart_mm : float
        Minimum distance of two catheters.
    spread_deg : float
        Maximum angle between two catheters: hubs that point every way get into each other's and the gantry's.
    sample_mm : float
        Edge of the sampling cubes while choosing; the chosen case is planned on finer ones.
    gap_frac : float
        Proof enough.
    time_limit_s : float
        For search and proof.
    error_mm : float
        Placement error to plan for: RMS displacement of each catheter, 0 for none.
    scenarios : int
        Displacements that D100 must outlive.
    foresee : bool
        Do not outlive the displacements with what is chosen now: choose the rest anew after each, and take the catheter
        as the next one after which the end is best on average.
    seed : int
    body : str
        Structure inside the skin, where there is one.
    without : tuple of str
        Of ribs, lungs, bowel and vessels those that need not be segmented: paths may pass through them.

    Raises
    ------
    InputError
        A number out of its range.
    """

    margins_mm: Mapping[str, float] = field(default_factory=dict)
    reach: Reach = field(default_factory=Reach)
    candidates: int = 50
    most: int = 8
    count: int | None = None
    worth_frac: float = 0.05
    apart_mm: float = 5.0
    spread_deg: float = 40.0
    sample_mm: float = 2.0
    gap_frac: float = 1e-3
    time_limit_s: float = 120.0
    error_mm: float = 0.0
    scenarios: int = 6
    foresee: bool = False
    seed: int = 1
    body: str = "body"
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, low, high in (
            ("candidates", 1, MAXIMUM_CANDIDATES),
            ("most", 1, 20),
            ("worth_frac", 0.0, 1.0),
            ("apart_mm", 0.0, 50.0),
            ("spread_deg", 0.0, 180.0),
            ("sample_mm", 0.5, 10.0),
            ("gap_frac", 1e-6, 0.5),
            ("time_limit_s", 1.0, 86400.0),
            ("error_mm", 0.0, 30.0),
            ("scenarios", 1, 100),
        ):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} must lie between {low:g} and {high:g}", got=f"{getattr(self, name):g}")
        if self.foresee and self.error_mm == 0.0:
            raise InputError("foresight needs an error to foresee (`error_mm`)", got=0, remedy="5 to 6 mm are usual.")
        if self.count is not None and not 1 <= self.count <= 20:
            raise InputError("count must lie between 1 and 20", got=self.count)
