"""Uncertainty from the command line: one flag a component."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hdrplan.cli.inputs import IN_FILE
from hdrplan.cli.numbers import NUMBER

if TYPE_CHECKING:
    from hdrplan.simulate import Uncertainty

__all__ = ["uncertainty_from", "uncertainty_options"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = [
    click.option("--catheter-mm", type=NUMBER, help="Each catheter as reconstructed on the CT, RMS in 3D [0]."),
    click.option(
        "--catheter-errors",
        "traced",
        type=IN_FILE,
        help="Uncertainty of each catheter by position: the record that `hdrplan catheters` writes, *.run.json.",
    ),
    click.option("--rotation-deg", type=NUMBER, help="Tilt of each catheter, SD about each perpendicular axis [0]."),
    click.option("--tip-mm", type=NUMBER, help="Reconstructed tip, along the catheter, SD [0.7, Kirisits 2014]."),
    click.option(
        "--implant-mm",
        type=NUMBER,
        help="Shift of all catheters together after the CT, RMS in 3D [0]; 5.5 is an upper limit (Luedemann 2011).",
    ),
    click.option("--source-mm", type=NUMBER, help="Source position along the catheter, SD [0.12, Okamoto 2014]."),
    click.option("--timer-s", type=NUMBER, help="Time of each dwell, SD [0.032, Okamoto 2014]."),
    click.option("--strength-frac", type=NUMBER, help="Air-kerma strength, relative SD [0.02, Kirisits 2014]."),
    click.option("--ctv-mm", type=NUMBER, help="CTV contour against its true surface, SD [0]."),
    click.option("--oar-mm", type=NUMBER, help="Organ contours against their true surfaces, SD [0]."),
    click.option(
        "--motion-mm", type=NUMBER, help="Breathing: shift of organs against implant and CTV, SD along each axis [0]."
    ),
    click.option(
        "--source-speed",
        "source_speed_mm_per_s",
        type=NUMBER,
        help="Speed between dwells (mm/s): adds the dose of the moving source [none].",
    ),
]


def uncertainty_options(command: F) -> F:
    """Add the flags of all components of :class:`hdrplan.simulate.Uncertainty`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def uncertainty_from(flags: dict[str, Any]) -> Uncertainty:
    """Return the uncertainty that the flags describe; takes those flags out of ``flags``."""
    from hdrplan.io import read_traced_errors
    from hdrplan.simulate import Uncertainty

    values = {name: flags.pop(name) for name in Uncertainty.__dataclass_fields__}
    if values["traced"] is not None:
        values["traced"] = read_traced_errors(values["traced"])
    return Uncertainty(**{name: value for name, value in values.items() if value is not None})
