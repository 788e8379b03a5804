"""Dose against local recurrence, from the lesion table to one result.

The order is the argument: describe; D100 continuous and adjusted; then, and only then, cut-offs with their corrected p;
dose-response curves; all metrics side by side; how well the model does; what other models say.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from hdrplan.analysis.answer import counted
from hdrplan.analysis.benefit import dose_benefit
from hdrplan.analysis.correlation import (
    EVENTS_FOR_A_MODEL,
    Control,
    Correlation,
    Cuts,
    DoseModels,
    DoseResponse,
    Settings,
    Threshold,
)
from hdrplan.analysis.dose_error import corrected_effects
from hdrplan.analysis.dose_response import dose_response_fits
from hdrplan.analysis.dose_shape import interaction, line_p, spline_curve, step_beside_curve, step_beside_line
from hdrplan.analysis.effects import (
    D100,
    Effect,
    adjusted_cox,
    adjusters,
    d100_columns,
    d100_model,
    effects,
    type_columns,
)
from hdrplan.analysis.lesions import LesionTable
from hdrplan.analysis.other_models import sensitivity
from hdrplan.analysis.paper_models import PaperRule, paper_rule
from hdrplan.analysis.prediction import performance
from hdrplan.analysis.prediction_quality import prediction_quality
from hdrplan.analysis.robustness import unmeasured, without_each_group, without_one_patient
from hdrplan.analysis.side_by_side import metric_tests, rank_correlation
from hdrplan.arrays import FloatArray
from hdrplan.errors import HdrPlanError, InfeasibleError
from hdrplan.outcomes import (
    CoxFit,
    Cutoff,
    aalen_johansen,
    best_cutoff,
    control_by_dose,
    cox,
    cutoff_problem,
    follow_up,
    indicator_columns,
    kaplan_meier,
    log_rank,
    reverse_kaplan_meier,
    turnbull,
    zph,
)

__all__ = ["correlate"]

T = TypeVar("T")
_STEPS = 18


class _Steps:
    """Steps that may fail: what the data cannot carry is noted with its reason, and the analysis goes on."""

    def __init__(self, on_progress: Callable[[int, int], None] | None) -> None:
        self.failed: dict[str, str] = {}
        self.done = 0
        self.on_progress = on_progress

    def run(self, name: str, attempt: Callable[[], T]) -> T | None:
        """Return what a step computes, None if it fails; a step of the progress bar."""
        self.done += 1
        if self.on_progress:
            self.on_progress(self.done, _STEPS)
        return self.tried(name, attempt)

    def tried(self, name: str, attempt: Callable[[], T]) -> T | None:
        """Return what an attempt computes, None if it fails."""
        try:
            return attempt()
        except HdrPlanError as error:
            self.failed[name] = str(error)
            return None


def correlate(
    table: LesionTable, settings: Settings, *, on_progress: Callable[[int, int], None] | None = None
) -> Correlation:
    """Return everything that links D100 to local recurrence in a lesion table.

    Each step that the data cannot carry (too few events, one dose for all) is named in ``failed``; nothing is replaced
    by a weaker analysis in silence.

    Parameters
    ----------
    table : LesionTable
    settings : Settings
    on_progress : callable, optional
        Called with the number of steps done and their total.

    Returns
    -------
    Correlation
    """
    rng = np.random.default_rng(settings.seed)
    steps = _Steps(on_progress)
    model = steps.run("adjusted model", lambda: d100_model(table))
    horizon = settings.horizon_months
    step = steps.run(
        "step beside a straight line", lambda: step_beside_line(table, rng=rng, n_resamples=settings.n_resamples)
    )
    models = _models(table, model, step, steps)
    return Correlation(
        settings=settings,
        table=table,
        control=_control(table, steps),
        models=models,
        benefit=steps.run(
            "risk with more dose",
            lambda: dose_benefit(
                _enough(table, models),
                horizon_months=horizon,
                curved=models.curved,
                rng=rng,
                n_bootstrap=settings.n_bootstrap,
            ),
        ),
        cuts=Cuts(
            threshold=steps.run("fixed threshold", lambda: _threshold(table, settings.threshold_gy)),
            adjusted=steps.run("adjusted cut-off", lambda: _cutoff(table, settings, rng, adjust=True)),
            unadjusted=steps.run("unadjusted cut-off", lambda: _cutoff(table, settings, rng, adjust=False)),
            beyond_line=step,
            beyond_curve=steps.tried(
                "step beside a curve", lambda: step_beside_curve(table, rng=rng, n_resamples=settings.n_resamples)
            )
            if models.curved
            else None,
        ),
        response=_response(table, settings, steps),
        metrics=steps.run("metrics side by side", lambda: metric_tests(table, settings, rng)) or (),
        performance=steps.run("performance", lambda: performance(_enough(table, models), rng, settings.n_bootstrap)),
        quality=steps.run(
            "quality of predictions",
            lambda: prediction_quality(
                _enough(table, models), horizon_months=horizon, rng=rng, n_bootstrap=settings.n_bootstrap
            ),
        ),
        sensitivity=steps.run("sensitivity", lambda: sensitivity(table, settings.landmark_months)) or {},
        left_out_groups=steps.run("without each group", lambda: without_each_group(table)) or {},
        unmeasured=unmeasured(table, models.headline) if models.headline and models.carried else None,
        one_patient=steps.tried("without one patient", lambda: without_one_patient(table, model)) if model else None,
        dose_error=steps.run("error of D100", lambda: corrected_effects(table, settings, rng)) or (),
        paper=steps.run("paper's rule", lambda: _paper(table, settings, rng)) if settings.mode == "paper" else None,
        d100_with_diameter=rank_correlation(table.d100_gy, table.diameter_mm),
        failed=steps.failed,
    )


def _control(table: LesionTable, steps: _Steps) -> Control:
    kinds = np.array(table.tumour_type)
    return Control(
        km=kaplan_meier(table.follow_up),
        by_type={
            kind: kaplan_meier(table.follow_up.chosen(kinds == kind))
            for kind in dict.fromkeys(sorted(table.tumour_type))
        },
        incidence=aalen_johansen(table.first_events),
        npmle=steps.run("NPMLE", lambda: turnbull(table.intervals)),
        follow_up=reverse_kaplan_meier(follow_up(table.follow_up.time, table.status != 0)),
    )


def _models(table: LesionTable, model: CoxFit | None, step: Cutoff | None, steps: _Steps) -> DoseModels:
    adjusted = effects("adjusted, errors by patient", model, table.follow_up) if model else ()
    spline = steps.run("spline", lambda: spline_curve(table))
    linear_p = line_p(spline, step)
    curved = linear_p is not None and linear_p < 0.05
    return DoseModels(
        univariate=_univariate(table, steps),
        adjusted=adjusted,
        headline=next((e for e in adjusted if e.term == D100), None),
        proportional=steps.run("proportional hazards", lambda: zph(model)) if model else None,
        spline=spline,
        interaction=steps.run("interaction", lambda: interaction(table, curved=curved)),
        n_patients_recurred=len({p for p, had in zip(table.patient_id, table.follow_up.event, strict=True) if had}),
        explained=_explained(table),
        linear_p=linear_p,
    )


def _explained(table: LesionTable) -> float:
    """Return the share of the variance of D100 that the adjusters and strata explain."""
    layers: list[FloatArray] = []
    if table.strata is not None and len(set(table.strata)) > 1:
        layers = list(indicator_columns("stratum", np.array(table.strata)).values())
    x = np.column_stack([np.ones(table.n), *adjusters(table).values(), *layers])
    left = table.d100_gy - x @ np.linalg.lstsq(x, table.d100_gy, rcond=None)[0]
    spread = float(table.d100_gy.var())
    return 1.0 - float((left**2).mean()) / spread if spread > 0 else 0.0


def _enough(table: LesionTable, models: DoseModels) -> LesionTable:
    """Return the table; refuse one whose recurrences are too few for a statement about dose."""
    if not models.carried:
        raise InfeasibleError(
            f"a model of D100 needs {EVENTS_FOR_A_MODEL} patients with a recurrence for each of its parameters, and "
            "lesions that are alike in all but their D100",
            got=f"{counted(models.n_patients_recurred, 'patient')} for {len(models.adjusted) or 'unknown'} parameters",
        )
    return table


def _univariate(table: LesionTable, steps: _Steps) -> tuple[Effect, ...]:
    """Each covariate alone; one that has no estimate leaves the others standing."""
    rows = table.follow_up
    fits = {
        name: steps.tried(f"{name}, alone", functools.partial(cox, rows, {name: column}))
        for name, column in d100_columns(table).items()
        if ", spline " not in name  # a departure from a straight line says nothing alone
    }
    return tuple(effects("alone, errors by patient", fit, rows)[0] for fit in fits.values() if fit is not None)


def _threshold(table: LesionTable, at_gy: float) -> Threshold:
    rows, above = table.follow_up, table.d100_gy >= at_gy
    term = f"D100 >= {at_gy:g} Gy vs below"
    column = {term: above.astype(np.float64)}
    alone, beside = cox(rows, column), adjusted_cox(table, column)
    return Threshold(
        at_gy=at_gy,
        below=kaplan_meier(rows.chosen(~above)),
        above=kaplan_meier(rows.chosen(above)),
        test=log_rank(rows, above),
        unadjusted=effects("alone, errors by patient", alone, rows)[0],
        adjusted=effects("adjusted, errors by patient", beside, rows, (term,))[0],
    )


def _cutoff(table: LesionTable, settings: Settings, rng: np.random.Generator, *, adjust: bool) -> Cutoff:
    covariates = adjusters(table) if adjust else None
    strata = table.strata if adjust else None
    problem = cutoff_problem(table.follow_up, table.d100_gy, covariates=covariates, strata=strata)
    return best_cutoff(problem, rng=rng, n_resamples=settings.n_resamples, n_bootstrap=settings.n_bootstrap)


def _response(table: LesionTable, settings: Settings, steps: _Steps) -> DoseResponse:
    attempts = dose_response_fits(table, settings)
    fits = {name: steps.tried(f"TCP {name}", attempt) for name, attempt in attempts.items()}
    lesions, horizon = table.follow_up, settings.horizon_months
    bins = steps.run("control by dose", lambda: control_by_dose(lesions, table.d100_gy, horizon=horizon)) or ()
    return DoseResponse({name: fit for name, fit in fits.items() if fit is not None}, bins)


def _paper(table: LesionTable, settings: Settings, rng: np.random.Generator) -> PaperRule:
    columns = {
        "age, per year": table.age_years,
        "sex: M vs F": (np.array(table.sex) == "M").astype(np.float64),
        "diameter, per mm": table.diameter_mm,
        "number of lesions": table.n_lesions.astype(np.float64),
        **type_columns(table),
        D100: table.d100_gy,
    }
    return paper_rule(table.follow_up, columns, rng=rng, n_bootstrap=settings.n_bootstrap)
