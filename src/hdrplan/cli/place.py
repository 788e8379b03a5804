"""``hdrplan place``: choose catheter positions before the puncture."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from hdrplan.beside import beside, imported_beside
from hdrplan.cli.case import case_options, plan_options, read_case_from
from hdrplan.cli.common import echo_lines, json_option, printed_warnings, quiet_option
from hdrplan.cli.flags import in_flags, number_flag
from hdrplan.cli.inputs import IN_FILE
from hdrplan.cli.numbers import NUMBER
from hdrplan.cli.outputs import OUT_FOLDER, writes
from hdrplan.cli.pdf import pdf_option, print_page
from hdrplan.cli.place_options import path_options, place_options
from hdrplan.cli.progress import steps_bar
from hdrplan.cli.records import run_record

if TYPE_CHECKING:
    from hdrplan.io import Output

__all__ = ["command"]

# What the pictures and files need beyond the choice.
_DRAWING = (
    "SimpleITK",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "mpl_toolkits.mplot3d",
    "jinja2",
)


@click.command("place", short_help="Choose catheters before and during the puncture, with proof.")
@case_options(without=("catheters",))
@click.option(
    "--given",
    "catheters",
    type=IN_FILE,
    help="Catheters that are in the patient, as .mrk.json, JSON or CSV: they stay, the rest is chosen.",
)
@path_options
@click.option(
    "--most", type=int, default=8, show_default=True, help="Maximum number of catheters to choose; --given not counted."
)
@click.option("--count", type=int, help="Choose this many, if they are sufficient.")
@click.option(
    "--worth",
    type=NUMBER,
    default=5.0,
    show_default=True,
    metavar="%",
    help="Dose to the healthy organ that one more catheter must save.",
)
@number_flag("error_mm", 0.0, "MM", "Placement error (RMS) to plan for.")
@click.option("--scenarios", type=int, default=6, show_default=True, help="Displacements in which D100 must hold.")
@click.option(
    "--foresee",
    is_flag=True,
    help="After --error the rest is chosen anew: find the next catheter for the best expected end.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@number_flag("time_limit_s", 120.0, "S", "Maximum time of search and proof.")
@click.option("-o", "--output", type=OUT_FOLDER, required=True, help="Output folder; must not exist.")
@pdf_option
@writes
@json_option
@quiet_option
def command(avoid: tuple[str, ...], output: Output, as_json: bool, quiet: bool, **flags: Any) -> None:
    """Choose the number and the paths of catheters: for an untouched liver, or beside catheters that are in.

    Straight paths from the skin into the lesion keep a margin to every obstacle. hdrplan chooses the fewest paths with
    which D100 and all hard goals hold, and among these the set with the lowest dose to the healthy organ. A proof
    bounds what any set could reach. Catheters are numbered in the order of insertion: first the one whose loss costs
    most. With --error and --foresee, the next catheter is the one with the best expected plan in the end, once the rest
    was chosen anew; it stands beside the nominal choice, with a bound. With --given, catheters that are in stay as they
    lie, and the rest is chosen anew. --ctv replaces the CTVs of the case. Margins and limits are starting values of
    this program, not clinical limits.

    \b
    Examples:
      hdrplan place phantoms/liver-lesion-b -o placed
      hdrplan place phantoms/liver-lesion-b --ctv lesion_A --prescription 20 --avoid colon=8 --most 4 -o placed-a
      hdrplan place phantoms/liver-lesion-b --toward right --error 5 -o placed-robust
      hdrplan place phantoms/liver-lesion-b-5mm --candidates 8 --count 2 --error 5.5 --foresee -o foreseen
      hdrplan place phantoms/liver-lesion-b --given phantoms/liver-lesion-b/catheters.mrk.json --most 2 -o placed-next

    The folder is a case ready for `hdrplan plan`: case.toml, catheters.mrk.json (Slicer), images, and place.json,
    place.html, place.png, run.json; with --foresee next.mrk.json. Research use only.
    """
    from hdrplan import __version__
    from hdrplan.io import json_text, new_folder, write_case, write_json, write_markups, write_run
    from hdrplan.report import placement_figure, placement_html, placement_lines, placement_table
    from hdrplan.workflow import place_case

    case_file = read_case_from(flags, before_puncture=True)
    options = place_options(case_file.case, avoid, flags)
    with imported_beside(*_DRAWING), steps_bar(quiet=quiet or as_json) as on_progress:
        result = place_case(
            case_file.case,
            case_file.goals,
            case_file.source,
            case_file.strength,
            options=options,
            plan_options=plan_options(case_file),
            on_progress=on_progress,
        )
    if not as_json:  # whoever stands with a needle in hand reads this while the pictures are drawn
        echo_lines(placement_lines(result))
    stopped_by = {in_flags(name): lines for name, lines in result.trajectories.blocked.items()}
    table = placement_table(result, stopped_by)
    with new_folder(output) as draft:
        write_case(draft, case_file, result.case)
        write_json(draft / "place.json", table)
        if result.foreseen is not None:
            write_markups(draft / "next.mrk.json", (result.foreseen.catheter,))
        with beside(partial(placement_figure, result, draft / "place.png")):
            page = placement_html(result, stopped_by=stopped_by, warnings=printed_warnings(), version=__version__)
            (draft / "place.html").write_text(page, encoding="utf-8")
        print_page(draft / "place.html")
        record = run_record(inputs=case_file.inputs, options=asdict(options), seconds=result.seconds, seed=options.seed)
        write_run(draft, record)
    if as_json:
        click.echo(json_text(table), nl=False)
        return
    click.echo(
        f"Wrote {output.path}: look at {output.path / 'place.html'}, then: hdrplan plan {output.path} -o PLAN. "
        "Research use only, never for treatment."
    )
