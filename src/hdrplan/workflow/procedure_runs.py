"""Many simulated procedures: kept as they come, so that a stopped run goes on, and summed up with their intervals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from hdrplan.edition import edition
from hdrplan.io import ResultStore
from hdrplan.processes import Lost
from hdrplan.simulate import wilson_interval
from hdrplan.workflow.insertion import InsertionSetting
from hdrplan.workflow.labour import ALONE, Labour, shared_out
from hdrplan.workflow.procedure import Course, Nominal, course
from hdrplan.workflow.steps import StepProgress, Steps

__all__ = ["ArmSummary", "PairedArms", "ProcedureDesign", "ProcedureStudy", "simulate_procedures"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProcedureDesign:
    """What decides the result of a study of procedures.

    Parameters
    ----------
    setting : InsertionSetting
    nominal : Nominal
    arms : tuple of str
        Of :data:`hdrplan.workflow.ARMS`.
    runs : int
    error_mm : float
        RMS displacement of each catheter in space.
    seed : int
    draws : int
        Displacements that foresight imagines.
    inputs : mapping
        Input -> its SHA-256: what the setting was made of.
    """

    setting: InsertionSetting
    nominal: Nominal
    arms: tuple[str, ...]
    runs: int
    error_mm: float
    seed: int
    draws: int
    inputs: Mapping[str, str]

    def key(self, arm: str, number: int) -> str:
        """Name of one result: a hash of all that decides it."""
        setting = self.setting
        decides = {
            "edition": edition(),
            "inputs": dict(self.inputs),
            "goals": repr(setting.problem.goals),
            "source": [setting.source.name, setting.strength_u],
            "given": [one.catheter.points_mm.tolist() for one in setting.given],
            "options": asdict(setting.options),
            "planning": asdict(setting.planning),
            "nominal": self.nominal.paths,
            "error_mm": self.error_mm,
            "seed": self.seed,
            "draws": self.draws if arm == "foreseen" else 0,
            "arm": arm,
            "number": number,
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSummary:
    """How the procedures of one arm ended.

    Parameters
    ----------
    arm : str
    runs, met : int
    low, high : float
        95 % interval of the share that meets every hard goal (Wilson).
    mean, p5, p95 : float
        Main objective over the runs that meet everything in every arm; NaN where there are none.
    mean_short_gy, worst_short_gy : float
        What the worst prescription of a run was missed by: over all runs, and the most.
    changed : float
        Insertions per run whose path was not the one planned for that turn.
    missed_lesion : int
        Catheters of all runs without a dwell near any lesion.
    """

    arm: str
    runs: int
    met: int
    low: float
    high: float
    mean: float
    p5: float
    p95: float
    mean_short_gy: float
    worst_short_gy: float
    changed: float
    missed_lesion: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedArms:
    """The same procedures in the first arm and in another.

    Parameters
    ----------
    arm : str
        The other.
    both, only_first, only_other, neither : int
        Runs that meet every hard goal.
    saved_frac : float
        Mean saving of the main objective against the first arm, where both meet everything; NaN where none do.
    better_frac : float
        Share of those runs in which the other arm ends lower.
    """

    arm: str
    both: int
    only_first: int
    only_other: int
    neither: int
    saved_frac: float
    better_frac: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProcedureStudy:
    """All procedures, by arm.

    Parameters
    ----------
    design : ProcedureDesign
    courses : mapping
        Arm -> its courses by number; those lost to the machine are missing.
    found : int
        Results of an earlier run.
    lost : int
    seconds : mapping
        Step -> wall time.
    """

    design: ProcedureDesign
    courses: Mapping[str, Mapping[int, Course]]
    found: int
    lost: int
    seconds: Mapping[str, float]

    @property
    def common(self) -> list[int]:
        """Numbers of the runs that meet everything in every arm."""
        arms = list(self.courses.values())
        return [n for n in sorted(arms[0]) if all(n in arm and arm[n].met for arm in arms)]

    def summary(self, arm: str) -> ArmSummary:
        """Sum up one arm."""
        ended = list(self.courses[arm].values())
        met = sum(one.met for one in ended)
        low, high = wilson_interval(met, len(ended)) if ended else (0.0, 1.0)
        values = np.array([self.courses[arm][n].value for n in self.common])
        mean, p5, p95 = (values.mean(), *np.percentile(values, (5, 95))) if len(values) else 3 * (np.nan,)
        return ArmSummary(
            arm=arm,
            runs=len(ended),
            met=met,
            low=low,
            high=high,
            mean=float(mean),
            p5=float(p5),
            p95=float(p95),
            mean_short_gy=float(np.mean([one.short_gy for one in ended])) if ended else 0.0,
            worst_short_gy=max((one.short_gy for one in ended), default=0.0),
            changed=float(np.mean([one.changed for one in ended])) if ended else 0.0,
            missed_lesion=sum(one.missed_lesion for one in ended),
        )

    def paired(self, arm: str) -> PairedArms:
        """Compare an arm with the first, run by run."""
        first, other = self.courses[self.design.arms[0]], self.courses[arm]
        numbers = sorted(set(first) & set(other))
        ends = [(first[n].met, other[n].met) for n in numbers]
        both = [n for n in numbers if first[n].met and other[n].met]
        ratio = np.array([other[n].value / first[n].value for n in both])
        return PairedArms(
            arm=arm,
            both=len(both),
            only_first=ends.count((True, False)),
            only_other=ends.count((False, True)),
            neither=ends.count((False, False)),
            saved_frac=float(1.0 - ratio.mean()) if both else float("nan"),
            better_frac=float((ratio < 1.0 - 1e-9).mean()) if both else float("nan"),
        )


def simulate_procedures(
    design: ProcedureDesign,
    store: ResultStore[Course],
    *,
    labour: Labour = ALONE,
    on_progress: StepProgress | None = None,
) -> ProcedureStudy:
    """Go through all procedures of a study in every arm.

    Parameters
    ----------
    design : ProcedureDesign
    store : ResultStore
        Results of earlier runs are taken from it, new ones are put into it as they come.
    labour : Labour
    on_progress : callable, optional
        Called with (step, done, total).
    """
    step = Steps(on_progress)
    tasks = [(number, arm) for number in range(design.runs) for arm in design.arms]
    keys = {task: design.key(task[1], task[0]) for task in tasks}
    ended = {task: kept for task in tasks if (kept := store.read(keys[task])) is not None}
    left, found, lost = [task for task in tasks if task not in ended], len(ended), 0
    with step(f"procedures ({found} found)" if found else "procedures") as progress:
        work = partial(_course, design=design)
        for done, (k, answer) in enumerate(shared_out(work, left, labour, keys=[keys[t] for t in left]), start=1):
            if isinstance(answer, Lost):
                lost += 1
            else:
                store.write(keys[left[k]], answer)
                ended[left[k]] = answer
            progress(done, len(left))
    return ProcedureStudy(
        design=design,
        courses={arm: {n: ended[n, arm] for n in range(design.runs) if (n, arm) in ended} for arm in design.arms},
        found=found,
        lost=lost,
        seconds=step.seconds,
    )


def _course(task: tuple[int, str], design: ProcedureDesign) -> Course:
    number, arm = task
    return course(
        design.setting, design.nominal, arm, number, error_mm=design.error_mm, seed=design.seed, draws=design.draws
    )
