"""``hdrplan compare``: two or more plans side by side in one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cautions import caution
from hdrplan.cli.case import read_plan_for
from hdrplan.cli.common import printed_warnings, quiet_option, strict_option, warn
from hdrplan.cli.inputs import IN_CASE, IN_PLAN
from hdrplan.cli.outputs import OUT_FILE, writes
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]


@click.command("compare", short_help="Show plans side by side: changes, DVHs, dose differences, metrics.")
@click.argument("plans", nargs=-1, required=True, type=IN_PLAN)
@click.option("--case", "case_path", type=IN_CASE, help="Case of all plans: shows CT and structures.")
@click.option("-o", "--output", required=True, type=OUT_FILE, help="HTML file to write.")
@strict_option
@quiet_option
@writes
def command(plans: tuple[Path, ...], case_path: Path | None, output: Output, quiet: bool) -> None:
    """Compare the output folders of two to four plans. Differences are relative to the first plan.

    \b
    Examples:
      hdrplan compare demo-output plan-15gy -o compare.html
      hdrplan compare demo-output plan-15gy --case phantoms/liver-lesion-b -o compare.html
    """
    from hdrplan import __version__
    from hdrplan.io import new_file, read_case, read_results
    from hdrplan.report import ComparedPlan, Curve, comparison_html

    case_file = None if case_path is None else read_case(case_path)
    warn(() if case_file is None else case_file.warnings)
    labels = _labels(plans)
    compared: list[ComparedPlan] = []
    first_ct: str | None = None
    for path, label in zip(plans, labels, strict=True):
        read_plan_for(path)
        folder = read_results(path)
        if compared and folder.ct_sha256 not in (None, first_ct):
            warn([caution("compared-on-other-ct", label=label)])
        first_ct = first_ct or folder.ct_sha256
        roles = {name: str(values.get("role", "other")) for name, values in folder.metrics["structures"].items()}
        curves = tuple(
            Curve(
                name=name,
                role=roles.get(name, "other"),
                dose_gy=dose_gy,
                volume_frac=volume_cc / volume_cc.max(),
                volume_cc=float(volume_cc.max()),
            )
            for name, (dose_gy, volume_cc) in folder.dvh.items()
        )
        compared.append(
            ComparedPlan(label=label, plan=folder.plan, dose=folder.dose, curves=curves, metrics=folder.metrics)
        )
        title = folder.name
    page = comparison_html(
        compared,
        title=f"{title}: {' and '.join(labels)}",
        ct=None if case_file is None else case_file.case.ct,
        structures=() if case_file is None else case_file.case.structures,
        catheters=() if case_file is None else case_file.case.catheters,
        warnings=printed_warnings(),
        version=__version__,
    )
    record = run_record(inputs={} if case_file is None else case_file.inputs, options={"labels": labels})
    with new_file(output, record) as draft:
        draft.write_text(page, encoding="utf-8")
    if not quiet:
        click.echo(f"Wrote {output.path}. Research use only, never for treatment.")


def _labels(plans: tuple[Path, ...]) -> list[str]:
    """Folder names; with their parents where two are alike."""
    names = [path.resolve().name for path in plans]
    return [
        name if names.count(name) == 1 else f"{path.resolve().parent.name}/{name}"
        for path, name in zip(plans, names, strict=True)
    ]
