"""Packaged tables of a bounded phantom: where their doses are too low for a body that scatters from all round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.sources.library import bounded_entries, is_packaged, load_source
from hdrplan.sources.model import TG43Source

__all__ = ["BoundedPhantom", "bounded_phantom", "bounded_warnings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedPhantom:
    """That a table was made in a water sphere, and what to plan with instead.

    Parameters
    ----------
    radius_mm : float
        Of the sphere.
    holds_to_mm : float
        To here the table agrees with unbounded ones.
    instead : str
        The packaged source of the same model whose data are of unbounded water.
    """

    radius_mm: float
    holds_to_mm: float
    instead: str


def bounded_phantom(source: TG43Source) -> BoundedPhantom | None:
    """Return the phantom of a packaged source whose data are of a bounded one."""
    entries = bounded_entries(source.name) if is_packaged(source) else None
    if entries is None:
        return None
    return BoundedPhantom(
        radius_mm=10.0 * entries.number("radius_cm"),
        holds_to_mm=10.0 * entries.number("holds_to_cm"),
        instead=entries.text("instead"),
    )


def _low_frac(source: TG43Source, other: TG43Source, r_mm: float) -> float:
    """How much less than another source's the dose is at a distance across the core, as a part of it."""
    doses = [
        s.dose_rate_constant_gy_per_s_per_u * float(np.interp(r_mm, s.radial_r_mm, s.radial_dose))
        for s in (source, other)
    ]
    return 1.0 - doses[0] / doses[1]


def bounded_warnings(source: TG43Source) -> tuple[Caution, ...]:
    """Return a warning for a source whose data are of a bounded phantom, none for others."""
    phantom = bounded_phantom(source)
    if phantom is None:
        return ()
    other = load_source(phantom.instead)
    at_100, beyond = (100.0 * _low_frac(source, other, r_mm) for r_mm in (100.0, phantom.radius_mm))
    return (
        caution(
            "bounded-source",
            source=source.name,
            radius_cm=phantom.radius_mm / 10,
            holds_cm=phantom.holds_to_mm / 10,
            low_10cm=at_100,
            low_far=beyond,
            instead=phantom.instead,
        ),
    )
