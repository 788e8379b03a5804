"""The command line: reads arguments, calls a workflow, prints. Only this room prints and sets exit codes.

One file per command beside this one; it is imported only when its command runs, so that ``hdrplan --help`` stays
quick. Add a command: write ``cli/NAME.py`` with a click command called ``command``, and put a line in ``COMMANDS``.
"""

from __future__ import annotations

import atexit
import difflib
import gc
import importlib
import os
import sys

import click

from hdrplan import __version__
from hdrplan.cli.ending import Stopped, heed_signals, ignore_signals, open_streams, pipe_is_closed
from hdrplan.cli.exit_codes import ExitCode
from hdrplan.cli.flags import in_flags
from hdrplan.errors import HdrPlanError, fitted

__all__ = ["main"]

# Section -> {command: (module, one line of help)}: grouped by what a person wants to do.
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Plan a treatment": {
        "prepare": ("hdrplan.cli.prepare", "Turn a CT and its segmentations into a case."),
        "catheters": ("hdrplan.cli.catheters", "Find the catheters on a planning CT."),
        "applicator": ("hdrplan.cli.applicator", "Measure how far the first dwell lies from the drawn tip."),
        "plan": ("hdrplan.cli.plan", "Plan a case: dwell positions, dwell times, dose, report."),
        "live": ("hdrplan.cli.live", "Touch a plan in the browser; the proven optimum follows."),
        "pareto": ("hdrplan.cli.pareto", "Show the trade-off between coverage, organ doses and time, with proof."),
        "steps": ("hdrplan.cli.steps", "Show what finer dwell steps and free offsets would gain."),
        "sessions": ("hdrplan.cli.sessions", "Distribute several lesions over the fewest sessions."),
        "place": ("hdrplan.cli.place", "Choose catheters before the puncture, with proof."),
        "evaluate": ("hdrplan.cli.evaluate", "Compute the metrics of a plan's dwell times on a case."),
    },
    "Look and compare": {
        "compare": ("hdrplan.cli.compare", "Show plans side by side: changes, DVHs, dose differences, metrics."),
        "plot": ("hdrplan.cli.plot", "Draw a plan: isodoses, DVH, catheters, overview, 3D."),
    },
    "Sources and dose": {
        "dose": ("hdrplan.cli.dose", "Compute the dose of given dwell times at points or on a grid."),
        "dvh": ("hdrplan.cli.dvh", "Compute DVHs of any stored dose and any structures."),
        "sources": ("hdrplan.cli.sources", "List, draw and verify TG-43 sources."),
    },
    "Exchange with the clinic": {
        "import": ("hdrplan.cli.import_dicom", "Turn a DICOM export into a case folder."),
        "export": ("hdrplan.cli.export", "Write a plan as DICOM-RT or for 3D Slicer."),
        "metrics": ("hdrplan.cli.metrics", "Tabulate the dose metrics of a whole archive of treatments."),
        "check": ("hdrplan.cli.check", "Recompute a clinical plan by TG-43 and compare."),
    },
    "Outcome and cohorts": {
        "cohort": ("hdrplan.cli.cohort", "Work with cohort tables: templates, checks, endpoints, summaries."),
        "correlate": ("hdrplan.cli.correlate", "Relate dose to local recurrence: report, figures, tables."),
        "literature": ("hdrplan.cli.literature", "Pool local control of published liver-HDR series."),
        "paper-check": ("hdrplan.cli.paper_check", "Check printed survival tables for contradictions."),
        "survival": ("hdrplan.cli.survival", "Compute survival statistics of any tidy CSV table."),
    },
    "Simulate": {
        "phantom": ("hdrplan.cli.phantom", "Write phantoms; put synthetic lesions into a CT."),
        "robust": ("hdrplan.cli.robust", "Compute coverage under uncertainty; find robust plans."),
        "simulate": ("hdrplan.cli.simulate", "Simulate cohorts: patients, plans, scans, recurrences."),
        "power": ("hdrplan.cli.power", "Compute power and type-I error of a planned study."),
    },
    "Trust and speed": {
        "info": ("hdrplan.cli.info", "Tell programs what hdrplan can do: commands, goals, files, exit codes."),
        "sample": ("hdrplan.cli.sample", "Write the sample files that the examples use."),
        "explain": ("hdrplan.cli.explain", "Explain what a warning means, why it is given and what to do."),
        "bench": ("hdrplan.cli.bench", "Measure speed and errors of the dose engine on this machine."),
        "validate": ("hdrplan.cli.validate", "Validation dossier of this installation: page and JSON."),
    },
}


_GARBAGE_AFTER = 200_000  # objects; Python's own figure is 700
# Threads of OpenBLAS, one a processor in each of NumPy's and SciPy's, wait for work by asking for it over and over, a
# tenth of a second at the start: 0.2 of the 4.1 CPU s of the demo on two processors. 2 to the power of this, in ticks.
_BLAS_WAIT = ("OPENBLAS_THREAD_TIMEOUT", "4")


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest commands where none has the word: click knows no names before they are imported."""
        word = args[0]
        names = self.list_commands(ctx)
        if word not in names and not word.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(word, names, n=2)
            meant = f" Did you mean {' or '.join(near)}?" if near else ""
            raise click.UsageError(f"expected a command, got {word!r}.{meant}", ctx)
        return super().resolve_command(ctx, args)

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
    First case:   hdrplan phantom make liver-lesion-b
    First plan:   hdrplan plan phantoms/liver-lesion-b -o demo-output
    Then look at: demo-output/report.html
    """


def main() -> None:
    """Run the command line; any error made on purpose is one line and :attr:`ExitCode.REFUSED`."""
    # Imports and plans make half a million objects and hardly any garbage: looking for it after each 10,000 took 0.3 of
    # the 6.7 CPU s of the demo, and found no more.
    gc.set_threshold(_GARBAGE_AFTER)
    # At its end Python looks through all of them several times, 0.3 CPU s, though the process gives everything back.
    atexit.register(gc.freeze)
    os.environ.setdefault(*_BLAS_WAIT)  # read when NumPy is imported, which no command has done yet
    open_streams()
    heed_signals()
    try:
        _run()
    finally:
        ignore_signals()


def _run() -> None:
    try:
        cli.main(standalone_mode=False)
    except HdrPlanError as error:
        click.echo(f"hdrplan: {in_flags(str(error))}", err=True)
        sys.exit(ExitCode.REFUSED)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        ignore_signals()  # a second Ctrl-C comes soon after the first
        click.echo("hdrplan: stopped by the user; no incomplete output is left", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except Stopped as stop:
        ignore_signals()
        click.echo(f"hdrplan: stopped by {stop}; no incomplete output is left", err=True)
        sys.exit(ExitCode.of_signal(stop.number))
    except SystemExit:
        if pipe_is_closed():
            sys.exit(ExitCode.PIPE_CLOSED)
        raise
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.REFUSED)
    except MemoryError:
        click.echo("hdrplan: this machine does not have enough memory; no incomplete output is left", err=True)
        sys.exit(ExitCode.REFUSED)
    except OSError as error:
        # Disk full, folder not writable, file vanished: the system's own words and where.
        line = f"{error.strerror or error}: {error.filename or 'no file named'}"
        click.echo(f"hdrplan: {fitted(line)}", err=True)
        sys.exit(ExitCode.REFUSED)
