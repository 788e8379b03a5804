"""``hdrplan check``: the independent second check of a clinical plan."""

from __future__ import annotations

import math
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdrplan.cli.common import json_option, progress_bar, quiet_option, warn

if TYPE_CHECKING:
    from hdrplan.geometry import Grid, Structure
    from hdrplan.plan import BrachyPlan
    from hdrplan.workflow import SecondCheck, Tolerances

__all__ = ["command", "tolerances_from"]

_FILE = click.Path(path_type=Path)


@click.command("check", short_help="Recompute a TPS's plan by TG-43 and compare.")
@click.argument("plan", type=_FILE)
@click.option("--dose", type=_FILE, help="RT Dose of the plan.")
@click.option("--structures", type=_FILE, help="RT Structure Set of the plan: channel paths, DVH metrics.")
@click.option("--source", metavar="NAME|FILE", help="Source model, where the plan's words do not name it.")
@click.option("--tolerances", type=_FILE, help="TOML file of tolerances; see docs/howto/dicom.md.")
@click.option("--tip", type=click.Choice(["as-read", "reversed"]), help="Overrule which way the sources point.")
@click.option("--treated", type=click.DateTime(), help="Treatment: decay the strength, tell how the times stretch.")
@click.option("-o", "--output", type=_FILE, help="Write check.html, check.json and run.json into this new folder.")
@click.option("--overwrite", is_flag=True, help="Replace a folder that hdrplan wrote.")
@click.option("--identify", is_flag=True, help="Name the plan's label and files in the output.")
@json_option
@quiet_option
def command(
    plan: Path,
    dose: Path | None,
    structures: Path | None,
    source: str | None,
    tolerances: Path | None,
    tip: str | None,
    treated: datetime | None,
    output: Path | None,
    overwrite: bool,
    identify: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Recompute the dose of a DICOM plan by TG-43 with its own source, strength and times, and compare.

    Reference points, the dose grid (difference and 3D gamma) and DVH metrics are judged against tolerances. A dose
    that tops out at full scale is left out. PLAN may be a folder of DICOM files: what belongs together is found.

    Exit code 0: pass; 1: fail, or nothing to compare; 2: input that cannot be right.

    \b
    Examples:
      hdrplan check RP.dcm --dose RD.dcm --structures RS.dcm -o check
      hdrplan check export/ -o check --tolerances tolerances.toml
      hdrplan check RP.dcm --source flexisource --tip reversed --json
    """
    from dataclasses import replace

    from hdrplan import __version__
    from hdrplan.io import (
        dicom_files,
        json_text,
        linked_files,
        new_folder,
        read_brachy_plan,
        read_ct_grid,
        read_dose_grid,
        read_source,
        read_structure_set,
        require,
        sha256,
        write_json,
        write_run,
    )
    from hdrplan.plan import source_of_brachy
    from hdrplan.report.check_html import check_html
    from hdrplan.workflow import check_plan

    notes: list[str] = []
    ct: Grid | None = None
    if plan.is_dir():
        linked = linked_files(dicom_files(plan)[0], where=plan)
        dose, structures = dose or linked.dose, structures or linked.structures
        plan = require(linked.plan, "RP", plan)
        notes += linked.warnings
        ct = read_ct_grid(linked.ct) if linked.ct else None
    found = read_structure_set(structures) if structures is not None else None
    brachy = read_brachy_plan(plan, found)
    grid = read_dose_grid(dose) if dose is not None else None
    limits = tolerances_from(tolerances)
    solid: list[Structure] = []
    if found is not None and grid is not None:
        solid, left_out = found.structures_that_read(ct)
        notes += left_out
    model = read_source(source or source_of_brachy(brachy))
    with progress_bar("dose", quiet=quiet or as_json) as on_progress:
        check = check_plan(
            brachy,
            model,
            dose=grid.volume if grid is not None else None,
            full_scale_gy=grid.full_scale_gy if grid is not None else None,
            structures=solid,
            tolerances=limits,
            reverse_tip=None if tip is None else tip == "reversed",
            on_progress=on_progress,
        )
    notes += grid.warnings if grid is not None else ()
    if treated is not None:
        notes.append(_decay(brachy, treated))
    check = replace(check, warnings=(*notes, *check.warnings))
    table = _table(check, model.name, brachy.label if identify else None)
    if output is not None:
        title = f"Second check of {brachy.label or plan.name}" if identify else "Second check of a brachytherapy plan"
        names = {"plan": plan, "dose": dose, "structures": structures, "tolerances": tolerances}
        with new_folder(output, overwrite=overwrite) as draft:
            page = check_html(check, brachy, model, limits, title=title, version=__version__)
            (draft / "check.html").write_text(page, encoding="utf-8")
            write_json(draft / "check.json", table)
            write_run(
                draft,
                inputs={name: sha256(path) for name, path in names.items() if path is not None},
                options={"source": model.name, "tip": tip or "as the plan tells"},
            )
    if as_json:
        click.echo(json_text(table), nl=False)
    else:
        _print(check, quiet)
        if output is not None:
            click.echo(f"Wrote {output / 'check.html'}. Research use only, never for treatment.")
    sys.exit(0 if check.passed else 1)


def _decay(brachy: BrachyPlan, treated: datetime) -> str:
    """Strength at treatment, and what the afterloader makes of the plan's times."""
    from hdrplan.sources import strength_on_u

    if brachy.source.reference_time is None:
        return "the plan states no reference date: its strength cannot be decayed to the treatment"
    now_u = strength_on_u(brachy.source.strength_u, brachy.source.reference_time, treated)
    factor = brachy.source.strength_u / now_u
    return (
        f"at {treated:%Y-%m-%d %H:%M} the source has {now_u:.0f} U: for the plan's dose its times are to be "
        f"{factor:.4f} times as long, {brachy.total_time_s * factor:.1f} s in all"
    )


def tolerances_from(path: Path | None) -> Tolerances:
    """Read tolerances from a TOML file; keys are those of ``Tolerances``, ``[gamma]`` those of ``GammaCriteria``."""
    from dataclasses import fields

    from hdrplan.errors import FormatError
    from hdrplan.io import toml_table
    from hdrplan.metrics import GammaCriteria
    from hdrplan.workflow import Tolerances

    if path is None:
        return Tolerances()
    table = toml_table(path)
    gamma = table.pop("gamma", {})
    values: dict[str, Any] = {}
    for given, kind in ((table, Tolerances), (gamma, GammaCriteria)):
        if not isinstance(given, dict):
            raise FormatError("[gamma] must be a table", got=type(given).__name__, where=path)
        known = {f.name: f for f in fields(kind) if f.name != "gamma"}
        for key, value in given.items():
            good = isinstance(value, bool) if key == "local" else isinstance(value, int | float)
            if key not in known or not good or (key != "local" and not 0 <= value < math.inf):
                raise FormatError(f"tolerances are {', '.join(known)}", got=f"{key} = {value!r}"[:80], where=path)
    values = dict(table)
    return Tolerances(**values, gamma=GammaCriteria(**gamma))


def _table(check: SecondCheck, source: str, label: str | None) -> dict[str, Any]:
    rows = [
        {
            "what": row.what,
            "unit": row.unit,
            "tps": row.tps,
            "recomputed": row.ours,
            "difference_frac": row.difference_frac,
            "tolerance": row.limit,
            "passed": row.passed,
        }
        for row in check.rows
    ]
    return {
        "schema": "hdrplan.check/1",
        "plan": label,
        "passed": check.passed,
        "source": source,
        "tip": check.tip_text,
        "tip_reversed": check.tip_reversed,
        "rows": rows,
        "warnings": list(check.warnings),
    }


def _print(check: SecondCheck, quiet: bool) -> None:
    def number(value: float) -> str:
        return "" if math.isnan(value) else f"{value:.5g}"

    click.echo(f"{'':<44}{'TPS':>12}{'recomputed':>12}{'difference':>12}  tolerance")
    for row in check.rows:
        difference = "" if math.isnan(row.difference_frac) else f"{100 * row.difference_frac:+.3f} %"
        word = {True: "pass", False: "FAIL", None: "-"}[row.passed]
        what = f"{row.what} ({row.unit})" if row.unit else row.what
        click.echo(f"{what[:43]:<44}{number(row.tps):>12}{number(row.ours):>12}{difference:>12}  {row.limit}: {word}")
    if not quiet:
        click.echo(check.tip_text)
        warn(check.warnings)
    click.echo("PASS" if check.passed else "FAIL")
