"""The command line: parse, call, print. The only prints and exit codes of hdrplan.

One file per command beside this one; it is imported only when its command runs, so that ``hdrplan --help`` stays
quick. Add a command: write ``cli/NAME.py`` with a click command called ``command``, and put a line in ``COMMANDS``.
"""

from __future__ import annotations

import importlib
import sys

import click

from hdrplan import __version__
from hdrplan.cli.ending import Stopped, heed_signals, open_streams, pipe_is_closed
from hdrplan.cli.flags import in_flags
from hdrplan.errors import HdrPlanError

__all__ = ["main"]

# Section -> {command: (module, one line of help)}: grouped by what a person wants to do.
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Plan a treatment": {
        "plan": ("hdrplan.cli.plan", "Plan a case: dwell positions, times, dose, report."),
        "pareto": ("hdrplan.cli.pareto", "Trade-off surfaces of proven plans over coverage, organs and time."),
        "steps": ("hdrplan.cli.steps", "What finer dwell steps and offsets by catheter buy."),
        "sessions": ("hdrplan.cli.sessions", "Several lesions in the fewest sessions, each within its budget."),
        "place": ("hdrplan.cli.place", "Choose catheters before the puncture, with proof."),
        "evaluate": ("hdrplan.cli.evaluate", "Metrics of a plan's dwell times on a case."),
    },
    "Look and compare": {
        "compare": ("hdrplan.cli.compare", "Plans side by side: DVHs, difference maps, metrics, what changed."),
        "plot": ("hdrplan.cli.plot", "Figures of a plan: isodose page, DVH, catheter map, 3D."),
    },
    "Sources and dose": {
        "dose": ("hdrplan.cli.dose", "Dose of given dwell times, at points or on a grid."),
        "sources": ("hdrplan.cli.sources", "List, draw and verify TG-43 sources."),
    },
    "Exchange with the clinic": {
        "import": ("hdrplan.cli.import_dicom", "Turn a DICOM export into a case folder."),
        "export": ("hdrplan.cli.export", "Write a plan as DICOM-RT or for 3D Slicer."),
        "metrics": ("hdrplan.cli.metrics", "One table of a whole archive of treatments."),
        "check": ("hdrplan.cli.check", "Recompute a TPS's plan by TG-43 and compare."),
    },
    "Outcome and cohorts": {
        "cohort": ("hdrplan.cli.cohort", "Tables of a cohort: templates, checks, endpoints, descriptives."),
        "correlate": ("hdrplan.cli.correlate", "Dose against local recurrence: report, figures, tables."),
        "paper-check": ("hdrplan.cli.paper_check", "Check whether printed survival tables can be true."),
        "survival": ("hdrplan.cli.survival", "Survival statistics of any tidy CSV table."),
    },
    "Simulate": {
        "phantom": ("hdrplan.cli.phantom", "Write phantoms; put synthetic lesions into a CT."),
        "robust": ("hdrplan.cli.robust", "Coverage of a plan under uncertainty; robust re-planning."),
        "simulate": ("hdrplan.cli.simulate", "Virtual cohorts: patients, plans, scans, recurrences."),
        "power": ("hdrplan.cli.power", "Power and type-I error of a planned dose-recurrence study."),
    },
    "Trust and speed": {
        "explain": ("hdrplan.cli.explain", "What a warning means, why it is given and what to do."),
        "bench": ("hdrplan.cli.bench", "Speed and errors of the dose engine on this machine."),
        "validate": ("hdrplan.cli.validate", "Validation dossier of this installation: page and JSON."),
    },
}


class _Lazy(click.Group):
    """A group that knows its commands' names and imports one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        for section in COMMANDS.values():
            if name in section:
                command = importlib.import_module(section[name][0]).command
                assert isinstance(command, click.Command)
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, commands in COMMANDS.items():
            if commands:
                with formatter.section(section):
                    formatter.write_dl([(name, text) for name, (_, text) in commands.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="hdrplan %(version)s (research software, never for treatment)")
def cli() -> None:
    """Plan and simulate CT-guided HDR Ir-192 brachytherapy of liver lesions.

    Research software, never for treatment.

    \b
    First plan:   hdrplan plan phantoms/liver-lesion-b -o demo-output
    Then look at: demo-output/report.html
    """


def main() -> None:
    """Run the command line; any error made on purpose is one line and exit code 2."""
    open_streams()
    heed_signals()
    try:
        cli.main(standalone_mode=False)
    except HdrPlanError as error:
        click.echo(f"hdrplan: {in_flags(str(error))}", err=True)
        sys.exit(2)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("hdrplan: stopped by the user; nothing half-written is left", err=True)
        sys.exit(130)
    except Stopped as stop:
        click.echo(f"hdrplan: stopped by {stop}; nothing half-written is left", err=True)
        sys.exit(128 + stop.number)
    except SystemExit:
        if pipe_is_closed():
            sys.exit(141)  # as a program that SIGPIPE ends
        raise
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except MemoryError:
        click.echo("hdrplan: the memory of this machine was not enough; nothing half-written is left", err=True)
        sys.exit(2)
    except OSError as error:
        # Disk full, folder not writable, file vanished: the system's own words and where.
        click.echo(f"hdrplan: {error.strerror or error}: {error.filename or 'no file named'}", err=True)
        sys.exit(2)
