"""``hdrplan plan --model mc``: a plan under the dose in the patient's media."""

from __future__ import annotations

from collections.abc import Iterable
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdrplan.cli.common import warn
from hdrplan.cli.progress import steps_bar

if TYPE_CHECKING:
    from hdrplan.cautions import Caution
    from hdrplan.io import CaseFile, Output
    from hdrplan.options import PlanOptions
    from hdrplan.plan import Plan
    from hdrplan.transport import ScatterTask
    from hdrplan.workflow import ModelOptions, ModelPlan, ScatterRun

__all__ = ["KeptPhotons", "media_lines", "media_tables", "planned_in_media"]


class KeptPhotons:
    """Files beside an output folder that hold the photons of each scatter run, until the folder is written.

    Parameters
    ----------
    output : Output
        A folder.
    """

    def __init__(self, output: Output) -> None:
        self._beside, self._start = output.path.parent, f"{output.path.name}.mc-run-"

    def earlier(self, task: ScatterTask) -> ScatterRun | None:
        """Return what was done of a task by a command that was stopped; None for nothing."""
        from hdrplan.io import read_kept_run
        from hdrplan.workflow import ScatterRun

        held = read_kept_run(self._path(task.digest()), task)
        return None if held is None else ScatterRun(*held)

    def keep(self, run: ScatterRun) -> None:
        """Keep a run: one that is stopped loses one round."""
        from hdrplan.io import write_kept_run

        write_kept_run(self._path(run.patient.task), run.patient, run.water)

    def files(self) -> list[Path]:
        """Return the files there are."""
        return sorted(self._beside.glob(f"{escape(self._start)}{'[0-9a-f]' * 16}.npz"))

    def _path(self, digest: str) -> Path:
        return self._beside / f"{self._start}{digest}.npz"


def planned_in_media(
    case: Path,
    case_file: CaseFile,
    asked: ModelOptions,
    *,
    options: PlanOptions,
    locked: Plan | None,
    output: Output,
    quiet: bool,
) -> ModelPlan:
    """Return the plan, and print warnings of its media; photons of a stopped command are kept beside the output.

    Parameters
    ----------
    case : Path
        A case folder or its ``case.toml``: all its labels are read.
    case_file : CaseFile
    asked : ModelOptions
    options : PlanOptions
    locked : Plan or None
    output : Output
    quiet : bool
    """
    from dataclasses import replace

    from hdrplan.io import read_anatomy
    from hdrplan.workflow import KeptRuns, PlanTask, plan_in_media

    kept, labels = KeptPhotons(output), read_anatomy(case)[1]
    try:
        with steps_bar(quiet=quiet) as on_progress:
            task = PlanTask(
                case=case_file.case,
                goals=case_file.goals,
                source=case_file.source,
                strength=case_file.strength,
                options=options,
                locked=locked,
            )
            result = plan_in_media(
                task,
                labels,
                replace(asked, sample_mm=options.sample_mm),
                runs=KeptRuns(earlier=kept.earlier, keep=kept.keep),
                on_progress=on_progress,
            )
    except BaseException:
        if kept.files():
            named = ", ".join(str(path) for path in kept.files())
            click.echo(f"The photons so far are kept in {named}: the same command goes on with them.", err=True)
        raise
    warn(result.own.setting.media.cautions)
    return result


def media_lines(in_media: ModelPlan | None) -> list[str]:
    """Return what is said of a plan in media; nothing of another plan, which does not load what these need."""
    if in_media is None:
        return []
    from hdrplan.report import model_plan_lines

    return model_plan_lines(in_media)


def media_tables(in_media: ModelPlan, cautions: Iterable[Caution] = ()) -> dict[str, dict[str, object]]:
    """Return the same as numbers: ``model_plan``, and what the plan's own factor makes of it, ``model_based``.

    Parameters
    ----------
    in_media : ModelPlan
    cautions : iterable of Caution
        Printed so far.
    """
    from hdrplan.report import model_plan_table, model_table

    return {"model_plan": model_plan_table(in_media), "model_based": model_table(in_media.own, cautions)}
