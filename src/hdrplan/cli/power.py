"""``hdrplan power``: how often a planned study would find an effect of D100, and how often a false one."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import json_option, quiet_option
from hdrplan.cli.numbers import NUMBER, NumberRange
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.progress import progress_bar
from hdrplan.cli.records import run_record
from hdrplan.errors import InputError

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]


@click.command("power", short_help="Compute power and type-I error of a planned study.")
@click.option(
    "--patients",
    multiple=True,
    default=("114+50",),
    show_default=True,
    metavar="HCC+CRLM",
    help="Patients with HCC and with CRLM, both written; repeatable.",
)
@click.option(
    "--hazard-ratio",
    "ratios",
    multiple=True,
    type=NUMBER,
    default=(1.0, 0.95, 0.9, 0.87),
    show_default=True,
    help="Hazard ratio of local recurrence per Gy of D100; 1 is the null hypothesis; repeatable.",
)
@click.option("-r", "--replicates", type=click.IntRange(1, 100_000), default=200, show_default=True)
@click.option(
    "--d100-sd",
    type=NumberRange(0.1, 20.0),
    default=3.0,
    show_default=True,
    help="SD of D100 between lesions, Gy (an assumption).",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("-o", "--output", type=OUT_FOLDER, help="Folder for power.json, power.csv and the figure.")
@writes
@json_option
@quiet_option
def command(
    patients: tuple[str, ...],
    ratios: tuple[float, ...],
    replicates: int,
    d100_sd: float,
    seed: int,
    output: Output | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Simulate a study many times (patients, scans, endpoints, test of D100) to find its power.

    The adjusted test is that of `hdrplan correlate`. For comparison, D100 alone and the uncorrected best cut-off are
    also tested; they find effects that do not exist. The 200 replicates of the default take minutes; 20 give a first
    idea.

    \b
    Examples:
      hdrplan power --replicates 20
      hdrplan power --patients 114+50 --patients 330+150 --hazard-ratio 1 --hazard-ratio 0.92 -r 20 -o power-out
    """
    from hdrplan.io import json_text, new_folder, write_json, write_rows, write_run
    from hdrplan.report import power_figure
    from hdrplan.simulate import ASSUMPTIONS, TESTS, DoseModel, power

    sizes = [_size(text) for text in patients]
    with progress_bar("simulating", quiet=quiet or as_json) as on_progress:
        dose = DoseModel(sd_gy=d100_sd)
        points = power(sizes, ratios, replicates=replicates, seed=seed, dose=dose, on_progress=on_progress)
    table = {
        "schema": "hdrplan.power/1",
        "purpose": "research use only, never for treatment",
        "assumptions": list(ASSUMPTIONS),
        "tests": TESTS,
        "points": [asdict(p) for p in points],
    }
    if output is not None:
        with new_folder(output) as draft:
            write_json(draft / "power.json", table)
            head = ["n_hcc", "n_crlm", "hazard_ratio_per_gy", "replicates", "lesions", "events", *TESTS]
            rows = (
                (p.n_hcc, p.n_crlm, p.hazard_ratio_per_gy, p.replicates, p.lesions, p.events, *p.rejected_frac.values())
                for p in points
            )
            write_rows(draft / "power.csv", head, rows)
            for ending in ("png", "svg", "pdf"):
                power_figure(points, draft / f"power.{ending}")
            options = {"patients": list(patients), "hazard_ratios": list(ratios), "replicates": replicates}
            write_run(draft, run_record(options=options | {"d100_sd_gy": d100_sd}, seed=seed))
    if as_json:
        click.echo(json_text(table), nl=False)
        return
    click.echo(f"{'HCC+CRLM':>10} {'lesions':>8} {'events':>7} {'HR/Gy':>6}  rejected at 5 %: " + ", ".join(TESTS))
    for p in points:
        cells = "  ".join(f"{100 * p.rejected_frac[t]:5.1f} ± {100 * p.standard_error(t):.1f} %" for t in TESTS)
        click.echo(f"{p.n_hcc}+{p.n_crlm:<6} {p.lesions:8.0f} {p.events:7.0f} {p.hazard_ratio_per_gy:6.2f}  {cells}")
    click.echo("The distribution and the effect of D100 are assumptions. Research use only, never for treatment.")


def _size(text: str) -> tuple[int, int]:
    """Return the numbers of both diagnoses; each is written, for 114 alone may mean either, or both together."""
    counts = re.fullmatch(r"(\d{1,6})\+(\d{1,6})", text.strip())
    if counts is None or not int(counts[1]) + int(counts[2]):
        raise InputError(
            "expected --patients HCC+CRLM such as 114+50", got=repr(text), remedy="Write 114+0 for one diagnosis alone."
        )
    return int(counts[1]), int(counts[2])
