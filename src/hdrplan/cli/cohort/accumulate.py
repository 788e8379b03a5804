"""``hdrplan cohort accumulate``: the dose of a lesion over several sessions."""

from __future__ import annotations

from pathlib import Path

import click

from hdrplan.cli.common import printed_warnings, strict_option, warn
from hdrplan.cli.inputs import IN_FILE, IN_SESSION
from hdrplan.cli.numbers import NUMBER
from hdrplan.errors import InputError

__all__ = ["accumulate"]


@click.command("accumulate")
@click.argument("ctv", type=IN_FILE)
@click.option("--dose", "doses", multiple=True, required=True, type=IN_SESSION, metavar="FILE[=TRANSFORM.json]",
              help="Dose of a session, with the transform from the CTV's frame to its own; repeatable.")  # fmt: skip
@click.option(
    "--alpha-beta", "alpha_beta_gy", type=NUMBER, default=10.0, show_default=True, help="alpha/beta of EQD2, Gy."
)
@strict_option
def accumulate(ctv: Path, doses: tuple[str, ...], alpha_beta_gy: float) -> None:
    """Add the doses of several sessions for one lesion voxel by voxel in EQD2, and print JSON.

    CTV is a mask in the reference frame. A dose is an image in Gy or an RT Dose. A transform is a JSON file with a
    4 x 4 matrix that maps LPS positions (mm)
    from this frame to that of the session. Without it the frames must match. d100_gy and the other doses are
    single-session doses with the same EQD2: enter them into dose_metrics as the only row of the lesion.

    \b
    Examples:
      hdrplan cohort accumulate sample/ctv.nii.gz --dose sample/session1.nrrd --dose sample/session2.nrrd
      hdrplan cohort accumulate sample/ctv.nii.gz --dose sample/session1.nrrd \\
          --dose sample/session2.nrrd=sample/to-session2.json
    """
    from hdrplan.analysis import accumulated_eqd2_gy, dose_in_session
    from hdrplan.dose import sample_points
    from hdrplan.io import is_image, json_text, read_dose, read_mask, read_transform
    from hdrplan.plausibility import doubts_of_sessions

    if alpha_beta_gy <= 0:
        raise InputError("alpha/beta must be above 0 Gy", got=alpha_beta_gy)
    points = sample_points([read_mask(ctv, "CTV", "CTV")])
    doses_gy, transforms = [], []
    for text in doses:
        file, _, transform = text.partition("=")
        stored = read_dose(Path(file), unit="Gy" if is_image(Path(file)) else None)
        warn(stored.warnings)
        transforms.append(read_transform(Path(transform)) if transform else None)
        doses_gy.append(dose_in_session(stored.volume, points.points_mm, transforms[-1]))
    warn(doubts_of_sessions(doses_gy, transforms))
    table = {
        "alpha_beta_gy": alpha_beta_gy,
        "sessions": [{"d100_gy": float(dose.min())} for dose in doses_gy],
        "ctv_cm3": float(points.volume_cc.sum()),
        **accumulated_eqd2_gy(doses_gy, points.volume_cc, alpha_beta_gy),
    }
    table["warnings"] = [caution.table() for caution in printed_warnings()]
    click.echo(json_text(table), nl=False)
