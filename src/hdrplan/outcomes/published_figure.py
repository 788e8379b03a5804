"""One printed figure of a published series."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Series"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One printed figure of one series.

    Parameters
    ----------
    name, tumour_type, horizon : str
    lesions : int or None
        None: not printed.
    events : float or None
        Local recurrences: counted, or by the printed control of so many lesions.
    control : float or None
        As printed, 0 to 1; None where only recurrences are.
    dose_gy : float or None
        None: not printed, or a range only.
    overlaps : str
        Series whose patients are in it too; such a figure is not pooled.
    place, note : str
        Where it is printed, and what the reader must know.
    in_liver : bool
    """

    name: str
    tumour_type: str
    horizon: str
    lesions: int | None
    events: float | None
    control: float | None
    dose_gy: float | None
    overlaps: str
    place: str
    note: str
    in_liver: bool

    @property
    def left_out(self) -> str:
        """Why it is not pooled; empty where it is."""
        if not self.in_liver:
            return "not liver"
        if self.lesions is None or self.events is None:
            return "number of lesions not printed"
        return f"same patients as {self.overlaps}" if self.overlaps else ""
