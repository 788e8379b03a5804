"""Dose metrics of one treatment of an archive: a row for every structure and every way to know its dose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, cast

import numpy as np

from hdrplan.arrays import FloatArray
from hdrplan.cautions import Caution, caution
from hdrplan.dose import PointDose, SamplePoints, dose_at_points, sample_points
from hdrplan.errors import HdrPlanError, InputError
from hdrplan.geometry import Role, Structure
from hdrplan.io import (
    DEFAULT_RULES,
    ClinicalChoices,
    StructureSet,
    Treatment,
    read_brachy_plan,
    read_ct_grid,
    read_dose_grid,
    read_structure_set,
    refuse_other_frames,
    roles_of_rois,
)
from hdrplan.metrics import Tolerances, dvh, organ_metrics, target_metrics
from hdrplan.plan import BrachyPlan, as_plan, source_of_brachy
from hdrplan.plausibility import doubts_of_clinical_strength
from hdrplan.sources import TG43Source, bounded_warnings, load_source
from hdrplan.workflow.archive_model import model_cells
from hdrplan.workflow.archive_optimum import optimum_cells
from hdrplan.workflow.check_stated import StatedDose, between_centres
from hdrplan.workflow.check_tip import dose_of_fraction, doubts_of_factor
from hdrplan.workflow.model_run import ModelOptions
from hdrplan.workflow.warning_cells import warning_cell

__all__ = ["ArchiveOptions", "Engine", "Row", "treatment_rows"]

Engine: TypeAlias = Literal["stored", "recomputed", "both"]
# Column -> cell; a column that is not there is an empty cell.
Row: TypeAlias = dict[str, str | float | None]

# V100, V150 and V200 of a CTV without prescription are left empty; the other metrics do not depend on it.
_ANY_PRESCRIPTION_GY = 20.0
# Below this part inside the dose grid, what needs the whole structure is left empty.
_WHOLE_FRAC = 0.999
_HOTTEST = ("d0_1cc_gy", "d1cc_gy", "d2cc_gy", "max_gy")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveOptions:
    """What decides the tables of an archive.

    Parameters
    ----------
    engine : {"stored", "recomputed", "both"}
        Dose of the planning system as stored, or recomputed by TG-43.
    rules : mapping, optional
        Role -> regular expressions for the names of structures; None takes hdrplan's own.
    source_name : str, optional
        Source model where a plan's words do not name it.
    prescription_gy : float, optional
        Where a plan states none.
    identify : bool
        Patient IDs and file names instead of pseudonyms.
    strict : bool
        A treatment that gives a warning is an error.
    optimum : ClinicalChoices, optional
        Compare every plan with the best of its case; not with the engine "stored".
    model : ModelOptions, optional
        Also compute D_m,m, the dose in the patient's media; not with the engine "stored".
    """

    engine: Engine = "both"
    rules: Mapping[str, tuple[str, ...]] | None = None
    source_name: str | None = None
    prescription_gy: float | None = None
    identify: bool = False
    accept_other_patient: bool = False
    strict: bool = False
    optimum: ClinicalChoices | None = None
    model: ModelOptions | None = None

    @property
    def record(self) -> dict[str, object]:
        """The options as run.json and the journal of a run hold them."""
        rules = DEFAULT_RULES if self.rules is None else self.rules
        more: dict[str, object] = {} if self.model is None else {"model": self.model.record}
        return more | {
            "engine": self.engine,
            "rules": {role: list(patterns) for role, patterns in rules.items()},
            "own_rules": self.rules is not None,
            "source": self.source_name,
            "prescription_gy": self.prescription_gy,
            "identify": self.identify,
            "accept_other_patient": self.accept_other_patient,
            "strict": self.strict,
            "optimum": None if self.optimum is None else self.optimum.record,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _KnownDose:
    """Doses at the sample points by one engine; ``gy`` is NaN where there is none."""

    gy: FloatArray
    facts: Row
    notes: tuple[Caution, ...]
    recomputed: PointDose | None = None


def treatment_rows(treatment: Treatment, options: ArchiveOptions) -> tuple[list[Row], str]:
    """Read one treatment and compute its metrics; runs in worker processes.

    Parameters
    ----------
    treatment : Treatment
    options : ArchiveOptions

    Returns
    -------
    list of dict
        One row a structure and engine.
    str
        Why there are none, else empty.
    """
    try:
        return _rows(treatment, options), ""
    except HdrPlanError as error:
        return [], str(error)
    except Exception as fault:  # one broken export must not stop the archive: what happened becomes its row
        return [], f"unexpected {type(fault).__name__}: {fault}"


def _rows(treatment: Treatment, options: ArchiveOptions) -> list[Row]:
    if treatment.structures is None:
        raise InputError("a plan needs a structure set for metrics", got="none in the archive", where=treatment.plan)
    drawn = read_structure_set(treatment.structures)
    brachy = read_brachy_plan(treatment.plan, drawn)
    refuse_other_frames(brachy, drawn, None)
    structures, left_out = _structures(treatment, drawn, options.rules)
    stated_gy = brachy.prescription_gy
    prescription_gy = options.prescription_gy if math.isnan(stated_gy) else stated_gy
    notes = (*treatment.warnings, *brachy.warnings, *doubts_of_clinical_strength(brachy), *left_out)
    if prescription_gy is None:
        notes = (*notes, caution("prescription-not-stated"))
    points = sample_points(structures)
    facts: Row = {
        "trak_u_s": brachy.trak_u_s,
        "total_time_s": brachy.total_time_s,
        "pulses": brachy.pulses,
        "trak_pulse_u_s": brachy.trak_u_s / brachy.pulses,
    }
    doses = []
    if options.engine != "stored":
        doses.append(_recomputed(brachy, points, options.source_name))
    if options.engine != "recomputed" and treatment.dose is not None:
        doses.append(_stored(treatment.dose, brachy, drawn, points, options.source_name))
    if not doses:
        raise InputError("the plan has no stored dose", got="none in the archive", where=treatment.plan)
    cells: dict[str, Row] = {}
    if options.model is not None:
        plan = as_plan(brachy, _source(brachy, options.source_name))
        cells, doubts = model_cells(treatment, drawn, plan, points, options.model)
        notes = (*notes, *doubts)
    rows = [
        facts | dose.facts | _metrics(structure, points, dose, prescription_gy, notes)
        for dose in doses
        for structure in structures
    ]
    rows = _with_cells(rows, cells)
    doubted = next((row for row in rows if row["warnings"]), None)
    if options.strict and doubted is not None:
        raise InputError("with `strict=True` no warning may be left", got=doubted["warnings"], where=treatment.plan)
    return rows if options.optimum is None else _beside_the_best(rows, treatment, drawn, brachy, options)


def _beside_the_best(
    rows: list[Row], treatment: Treatment, drawn: StructureSet, brachy: BrachyPlan, options: ArchiveOptions
) -> list[Row]:
    """Return the rows with the cells of the comparison."""
    assert options.optimum is not None
    choices = replace(options.optimum, rules=options.rules)
    cells = optimum_cells(treatment, drawn, brachy, _source(brachy, options.source_name), choices)
    return _with_cells(rows, cells)


def _with_cells(rows: list[Row], cells: Mapping[str, Row]) -> list[Row]:
    """Return the rows with cells of their structures where they are recomputed, and those under "" in the first."""
    more = [
        row | cells.get(str(row["structure"]) if str(row["engine"]).startswith("recomputed") else "none", {})
        for row in rows
    ]
    return [more[0] | cells.get("", {}), *more[1:]]


def _source(brachy: BrachyPlan, name: str | None) -> TG43Source:
    return load_source(name) if name else source_of_brachy(brachy)


def _structures(
    treatment: Treatment, drawn: StructureSet, rules: Mapping[str, tuple[str, ...]] | None
) -> tuple[list[Structure], list[Caution]]:
    """Return the structures that are CTVs or organs at risk by the rules, and what was left out."""
    roles = roles_of_rois(drawn.rois, DEFAULT_RULES if rules is None else dict(rules))
    solid, left_out = drawn.structures_that_read(read_ct_grid(treatment.ct) if treatment.ct else None)
    chosen = [
        replace(structure, role=cast(Role, roles[structure.name]))
        for structure in solid
        if roles.get(structure.name) in ("CTV", "OAR")
    ]
    if not chosen:
        raise InputError("no structure has the role CTV or OAR", got="none", where=treatment.structures)
    return chosen, [*drawn.warnings, *left_out]


def _recomputed(brachy: BrachyPlan, points: SamplePoints, source_name: str | None) -> _KnownDose:
    source = _source(brachy, source_name)
    plan = as_plan(brachy, source)
    dose = dose_at_points(plan.dwells, plan.exposure_s, points.points_mm, source, strength_u=plan.strength_u)
    return _KnownDose(
        gy=dose.gy,
        facts={"engine": "recomputed, TG-43U1", "source": source.name},
        notes=bounded_warnings(source),
        recomputed=dose,
    )


def _stored(
    path: Path, brachy: BrachyPlan, drawn: StructureSet, points: SamplePoints, source_name: str | None
) -> _KnownDose:
    """Doses of one fraction, all pulses: by the fit, where the file holds those of all fractions or of one pulse."""
    dose = read_dose_grid(path)
    refuse_other_frames(brachy, drawn, dose)
    notes = tuple(dose.warnings)
    stated = StatedDose(dose.volume, dose.full_scale_gy)
    if brachy.fractions > 1 or brachy.pulses > 1:
        try:
            source = _source(brachy, source_name)
        except HdrPlanError:
            notes = (*notes, caution("dose-of-fractions-unknown", fractions=brachy.fractions, pulses=brachy.pulses))
        else:
            stated, factor = dose_of_fraction(brachy, source, stated, Tolerances())
            notes = (*notes, *doubts_of_factor(brachy, factor))
    return _KnownDose(
        gy=between_centres(stated.volume, points.points_mm),
        facts={"engine": "stored, trilinear", "grid_mm": float(dose.volume.grid.spacing_mm.max())},
        notes=notes,
    )


def _metrics(
    structure: Structure,
    points: SamplePoints,
    dose: _KnownDose,
    prescription_gy: float | None,
    notes: tuple[Caution, ...],
) -> Row:
    """Metrics of one structure; outside the dose grid there is no dose, and no metric that needs all of it."""
    at = points.rows(structure.name)
    gy, volume_cc = dose.gy[at], points.volume_cc[at]
    held = np.isfinite(gy)
    inside_frac = float(volume_cc[held].sum() / volume_cc.sum())
    notes = (*notes, *dose.notes)
    if inside_frac < _WHOLE_FRAC:
        notes = (*notes, caution("partly-outside-dose-grid", inside=inside_frac))
    row: Row = {
        "structure": structure.name,
        "role": structure.role,
        "volume_cc": float(volume_cc.sum()),
        "slice_mm": float(structure.grid.spacing_mm[2]),
        "in_grid_pct": 100 * inside_frac,
        "prescription_gy": prescription_gy if structure.role == "CTV" else None,
        "warnings": warning_cell(notes),
    }
    if dose.recomputed is not None:
        row["extrapolated_pct"] = 100 * dose.recomputed.extrapolated_frac(points.volume_cc, at)
    if not volume_cc[held].sum() > 0:
        return row
    curve = dvh(gy[held], volume_cc[held])
    organ = organ_metrics(curve)
    if inside_frac < _WHOLE_FRAC:
        # The hottest part may be told where it lies inside; what needs the whole structure may not.
        return row | {key: organ[key] for key in _HOTTEST}
    if structure.role == "CTV":
        row |= _in_percent(target_metrics(curve, prescription_gy or _ANY_PRESCRIPTION_GY))
        if prescription_gy is None:
            row |= dict.fromkeys(("v100_pct", "v150_pct", "v200_pct"), None)
    return row | _in_percent(organ)


def _in_percent(values: Mapping[str, float]) -> dict[str, float]:
    """Return metrics with percent in place of fractions."""
    return {
        key.replace("_frac", "_pct"): 100 * value if key.endswith("_frac") else value for key, value in values.items()
    }
