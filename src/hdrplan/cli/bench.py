"""``hdrplan bench``: how fast the dose engine is on this machine, and how right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import json_option, quiet_option
from hdrplan.cli.inputs import IN_FILE
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import OUT_FILE, writes
from hdrplan.cli.progress import progress_bar
from hdrplan.cli.records import run_record
from hdrplan.errors import FormatError, InputError

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]


@click.command("bench")
@click.option(
    "--sizes", default="small,common", show_default=True, help="Problems: small, common, large, huge (256^3 x 195)."
)
@click.option("--seconds", type=NUMBER, default=0.5, show_default=True, help="Wall time for each timing.")
@click.option("--start-up/--no-start-up", default=True, help="Also time import and compilation in new processes.")
@click.option("--peers", type=IN_FILE, help="JSON file of other programs, measured by: python -m benchmarks --peers.")
@click.option("-o", "--output", type=OUT_FILE, help="Write the table to this JSON file.")
@click.option("--page", type=OUT_FILE, help="Write a Markdown page to this file, and its picture to images/ beside it.")
@writes
@quiet_option
@json_option
def command(
    sizes: str,
    seconds: float,
    start_up: bool,
    peers: Path | None,
    output: Output | None,
    page: Output | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Measure the speed of the dose engine on this machine. Results are checked first: a wrong dose is an error.

    The start compiles all kernels anew, in processes of their own: with --no-start-up it takes seconds, without a
    minute or more.

    \b
    Examples:
      hdrplan bench --no-start-up
      hdrplan bench --sizes large --no-start-up --json
      hdrplan bench --no-start-up -o bench.json --page benchmarks.md
    """
    from hdrplan.bench import SIZES, bench
    from hdrplan.io import check_output, json_text, new_file, write_json
    from hdrplan.report import bench_figure, bench_page

    names = [name.strip() for name in sizes.split(",") if name.strip()]
    unknown = [name for name in names if name not in SIZES]
    if unknown or not names:
        raise InputError(f"--sizes must be of {', '.join(SIZES)}", got=", ".join(unknown) or "none")
    if not 0.0 <= seconds <= 60.0:
        raise InputError("--seconds must lie in 0 to 60", got=seconds)
    measured_peers = []
    if peers is not None:
        try:
            measured_peers = json.loads(peers.read_text(encoding="utf-8"))["peers"]
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError("a JSON table of peers", got=str(error)[:80], where=peers) from None
    if page is not None:
        check_output(replace(page, path=_picture(page.path)), folder=False)
    with progress_bar("Benchmark", quiet=quiet or as_json) as on_progress:
        table = bench(names, seconds=seconds, start_up=start_up, on_progress=on_progress)
    table["peers"] = measured_peers
    record = run_record(options={"sizes": list(names), "seconds": seconds, "start_up": start_up})
    if output is not None:
        with new_file(output, record) as draft:
            write_json(draft, table)
    if page is not None:
        with new_file(replace(page, path=_picture(page.path)), record) as draft:
            bench_figure(table, draft)
        with new_file(page, record) as draft:
            draft.write_text(bench_page(table, "images/benchmarks.png"), encoding="utf-8")
    if as_json:
        click.echo(json_text(table), nl=False)
    elif not quiet:
        click.echo(bench_page(table, "images/benchmarks.png") if page is None else f"wrote {page.path}")


def _picture(page: Path) -> Path:
    return page.parent / "images" / "benchmarks.png"
