"""``hdrplan phantom``: cases of known geometry, and synthetic lesions in a real CT."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.catalogue import PACKAGED_PHANTOMS
from hdrplan.cli.common import json_option, quiet_option
from hdrplan.cli.inputs import IN_CASE
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import OUT_FILE, OUT_FOLDER, output_at, refuse_other_image, writes
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]

SOURCE, STRENGTH_U = "gammamed-12i", 40700.0


@click.group()
def command() -> None:
    """List and write phantoms, put a synthetic lesion into a case, or draw its catheters into its CT.

    \b
    Examples:
      hdrplan phantom list
      hdrplan phantom make liver-lesion-b
      hdrplan phantom lesion phantoms/liver-lesion-b --diameter-mm 40 -o lesion-4cm
      hdrplan phantom places phantoms/liver-lesion-b --count 30 -o places
      hdrplan phantom implant phantoms/liver-lesion-b -o implanted.nii.gz
    """


@command.command("list")
@json_option
def list_phantoms(as_json: bool) -> None:
    """List the phantoms that ``make`` writes.

    \b
    Examples:
      hdrplan phantom list
      hdrplan phantom list --json
    """
    from hdrplan.geometry import PHANTOMS
    from hdrplan.io import json_text

    texts = PACKAGED_PHANTOMS | {name: text for name, (text, _) in PHANTOMS.items()}
    if as_json:
        click.echo(json_text({"phantoms": [{"name": name, "text": text} for name, text in texts.items()]}), nl=False)
        return
    for name, text in texts.items():
        click.echo(f"{name:<20}{text}")


@command.command()
@click.argument("name")
@click.option("-o", "--output", type=OUT_FOLDER, help="Folder to write [phantoms/NAME].")
@writes
@quiet_option
def make(name: str, output: Output | None, quiet: bool) -> None:
    """Write a phantom as a case folder: a real liver CT, or a simple shape with its exact values in facts.toml.

    \b
    Examples:
      hdrplan phantom make liver-lesion-b
      hdrplan phantom make sphere
      hdrplan phantom make ellipsoid -o my-ellipsoid
    """
    from hdrplan.errors import InputError, among
    from hdrplan.geometry import PHANTOMS, phantom
    from hdrplan.io import new_folder, write_packaged_phantom, write_phantom, write_run

    if name not in (*PACKAGED_PHANTOMS, *PHANTOMS):
        remedy = among(name, (*PACKAGED_PHANTOMS, *PHANTOMS))
        raise InputError(f"no phantom is named {name!r}", remedy=remedy)
    place = output or output_at(Path("phantoms") / name, folder=True)
    with new_folder(place) as draft:
        if name in PACKAGED_PHANTOMS:
            write_packaged_phantom(draft, name)
        else:
            write_phantom(draft, phantom(name), source=SOURCE, strength_u=STRENGTH_U)
        write_run(draft, run_record(options={"phantom": name}))
    if not quiet:
        text = PACKAGED_PHANTOMS[name] if name in PACKAGED_PHANTOMS else PHANTOMS[name][0]
        click.echo(f"{place.path}: {text}")
        click.echo(f"Now: hdrplan plan {place.path} -o PLAN")


@command.command()
@click.argument("case", type=IN_CASE)
@click.option("--diameter-mm", type=NUMBER, required=True, help="Diameter of the sphere of the same volume, 8 to 120.")
@click.option("--organ", help="Structure that contains the lesion [the case's healthy organ].")
@click.option("--centre-mm", type=NUMBER, nargs=3, help="Centre, LPS [the deepest point of the organ].")
@click.option(
    "--elongation", type=NUMBER, default=1.0, show_default=True, help="Ratio of the longest axis to the others, 1 to 3."
)
@click.option(
    "--direction",
    type=NUMBER,
    nargs=3,
    default=(1.0, 0.0, 0.0),
    show_default=True,
    help="Direction of the catheters from hub to tip, LPS.",
)
@click.option("--seed", type=int, help="Position and turn the lesion at random; the same seed gives the same lesion.")
@click.option("--prescription-gy", type=NUMBER, default=20.0, show_default=True)
@click.option("-o", "--output", type=OUT_FOLDER, required=True, help="Folder to write.")
@writes
@quiet_option
def lesion(
    case: Path,
    diameter_mm: float,
    organ: str | None,
    centre_mm: tuple[float, float, float] | None,
    elongation: float,
    direction: tuple[float, float, float],
    seed: int | None,
    prescription_gy: float,
    output: Output,
    quiet: bool,
) -> None:
    """Write a copy of a case with a synthetic ellipsoid as CTV and parallel catheters placed by a rule.

    The case needs only a CT and an organ. Its own CTVs become part of the organ; other structures are kept. Goals are
    not copied.

    \b
    Examples:
      hdrplan phantom lesion phantoms/liver-lesion-b --diameter-mm 30 -o lesion-3cm
      hdrplan phantom lesion phantoms/liver-lesion-b --diameter-mm 60 --seed 7 --elongation 1.5 -o lesion-6cm
    """
    from dataclasses import asdict

    import numpy as np

    from hdrplan.errors import InputError
    from hdrplan.geometry import LesionShape, synthetic_case
    from hdrplan.io import new_folder, read_anatomy, write_phantom, write_run

    ct, structures, healthy = read_anatomy(case)
    host = organ or healthy
    if host is None:
        raise InputError("an organ is needed", got="no healthy", where=case, remedy="Name the organ with --organ.")
    shape = LesionShape(diameter_mm, elongation, centre_mm)
    made = synthetic_case(
        ct,
        structures,
        host,
        shape,
        direction=direction,
        prescription_gy=prescription_gy,
        rng=None if seed is None else np.random.default_rng(seed),
    )
    with new_folder(output) as draft:
        write_phantom(draft, made, healthy=host, source=SOURCE, strength_u=STRENGTH_U)
        options = asdict(shape) | {"organ": host, "direction": direction, "prescription_gy": prescription_gy}
        write_run(draft, run_record(options=options, seed=seed))
    if not quiet:
        click.echo(
            f"{output.path}: {made.text} {len(made.catheters)} catheters. Now: hdrplan plan {output.path} -o PLAN"
        )


@command.command()
@click.argument("case", type=IN_CASE)
@click.option("--count", type=click.IntRange(1, 1000), default=30, show_default=True, help="Number of cases.")
@click.option("--diameter-mm", type=NUMBER, default=25.0, show_default=True, help="Diameter of each lesion, 8 to 120.")
@click.option("--rules", default="bowel,dome,hilum,subcapsular", show_default=True, help="Rules that share the cases.")
@click.option("--organ", help="Structure that contains the lesions [the case's healthy organ].")
@click.option("--prescription-gy", type=NUMBER, default=20.0, show_default=True)
@click.option("-o", "--output", type=OUT_FOLDER, required=True, help="Folder of case folders to write.")
@writes
@quiet_option
def places(
    case: Path,
    count: int,
    diameter_mm: float,
    rules: str,
    organ: str | None,
    prescription_gy: float,
    output: Output,
    quiet: bool,
) -> None:
    """Write many copies of a case, each with one lesion set by a rule and without catheters: for `plan --all`.

    Places: nearest to stomach and bowel, under the dome, nearest to the portal vein, a millimetre under the capsule.
    Those of one rule lie as far apart as can be; nothing is random. The case's own CTVs become part of the organ.

    \b
    Examples:
      hdrplan phantom places phantoms/liver-lesion-b --count 30 -o places
    """
    from dataclasses import replace

    from hdrplan.errors import InputError
    from hdrplan.geometry import LesionShape, synthetic_case
    from hdrplan.io import new_folder, read_anatomy, write_phantom, write_run
    from hdrplan.workflow import filled_organ, lesion_places

    ct, structures, healthy = read_anatomy(case)
    name = organ or healthy
    if name is None:
        raise InputError("an organ is needed", got="no healthy", where=case, remedy="Name the organ with --organ.")
    asked = [rule.strip() for rule in rules.split(",") if rule.strip()]
    host = filled_organ(structures, name, ct.grid)
    chosen = lesion_places(host, structures, diameter_mm=diameter_mm, count=count, rules=asked)
    with new_folder(output) as draft:
        for k, place in enumerate(chosen, start=1):
            shape = LesionShape(diameter_mm, centre_mm=tuple(place.centre_mm.tolist()))
            made = synthetic_case(ct, structures, name, shape, prescription_gy=prescription_gy)
            folder = draft / f"{k:02d}-{place.rule}"
            folder.mkdir()
            made = replace(made, name=folder.name, catheters=())
            write_phantom(folder, made, healthy=name, source=SOURCE, strength_u=STRENGTH_U)
        options = {"count": count, "diameter_mm": diameter_mm, "rules": asked, "prescription_gy": prescription_gy}
        write_run(draft, run_record(options=options | {"organ": name}))
    if not quiet:
        click.echo(f"{output.path}: {len(chosen)} cases. Now: hdrplan plan --all {output.path} -o PLANS")


@command.command()
@click.argument("case", type=IN_CASE)
@click.option("--lumen-hu", type=NUMBER, default=-1000.0, show_default=True, help="What fills the tube: -1000 is air.")
@click.option("--wall-hu", type=NUMBER, default=300.0, show_default=True, help="Plastic of the tube.")
@click.option(
    "--outside-mm", type=NUMBER, default=60.0, show_default=True, help="Drawn beyond the first point, to the hub."
)
@click.option("-o", "--output", type=OUT_FILE, required=True, help="CT to write: .nii.gz, .nrrd or .mha.")
@writes
@quiet_option
def implant(case: Path, lumen_hu: float, wall_hu: float, outside_mm: float, output: Output, quiet: bool) -> None:
    """Draw the catheters of a case into its CT as tubes of 6F with a closed end, to try `hdrplan catheters` on.

    \b
    Examples:
      hdrplan phantom implant phantoms/liver-lesion-b -o implanted.nii.gz
      hdrplan phantom implant phantoms/liver-lesion-b --lumen-hu 300 -o solid.nrrd
    """
    import numpy as np

    from hdrplan.errors import InputError
    from hdrplan.geometry import Tube, Volume, outwards, with_tubes
    from hdrplan.io import new_file, read_case, write_volume

    refuse_other_image(output)
    loaded = read_case(case)
    if loaded.case.ct is None:
        raise InputError("a case with a CT is needed", got="no ct", where=case)
    drawn = with_tubes(
        loaded.case.ct, outwards(loaded.case.catheters, outside_mm), Tube(wall_hu=wall_hu, lumen_hu=lumen_hu)
    )
    record = run_record(options={"lumen_hu": lumen_hu, "wall_hu": wall_hu, "outside_mm": outside_mm})
    with new_file(output, record) as draft:
        write_volume(draft, Volume(drawn.grid, np.clip(drawn.values_zyx.round(), -1024, 3071).astype(np.int16)))
    if not quiet:
        click.echo(
            f"{output.path}: {len(loaded.case.catheters)} catheters. Now: hdrplan catheters {output.path} -o FOUND"
        )
