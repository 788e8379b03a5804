"""Dose against local recurrence as one result: what the report prints and the figures draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hdrplan.analysis.benefit import Benefit
from hdrplan.analysis.dose_shape import Interaction, SplineCurve
from hdrplan.analysis.effects import Effect
from hdrplan.analysis.lesions import LesionTable
from hdrplan.analysis.paper_models import PaperRule
from hdrplan.analysis.prediction import Performance
from hdrplan.analysis.prediction_quality import PredictionQuality
from hdrplan.analysis.robustness import Unmeasured
from hdrplan.outcomes import ControlBin, Cutoff, Incidence, KaplanMeier, LogRank, ProportionalHazards, TcpFit, Turnbull

__all__ = [
    "EVENTS_FOR_A_MODEL",
    "Control",
    "Correlation",
    "Cuts",
    "DoseModels",
    "DoseResponse",
    "MetricTest",
    "Settings",
    "Threshold",
]

# Events a parameter below which a Cox model is biased and its intervals hold the truth too rarely (E. Vittinghoff,
# C. E. McCulloch, Am J Epidemiol 2007;165:710-718, DOI 10.1093/aje/kwk052).
EVENTS_FOR_A_MODEL = 5
# Share of the variance of D100 from which its adjusters leave nothing of it: errors are inflated a hundredfold.
_INSEPARABLE = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every choice of the analysis, printed with its result.

    Parameters
    ----------
    mode : {"recommended", "paper"}
        ``paper`` adds the paper's Breslow models with selection by p < 0.1.
    threshold_gy : float
        Fixed threshold that the paper's readers expect (its prescription).
    horizon_months : float
        Time at which control is meant in the dose-response curves.
    alpha_beta_gy : float
        For EQD2 and the Poisson curves: the usual convention for tumours (Fowler 1989), not a measured value of liver
        lesions; a meta-analysis has 43 Gy for colorectal metastases (Radiother Oncol 2017;123:218).
    landmark_months : float
        End of the 8-week visit window.
    week8_needed : bool
        Whether the rules exclude patients without a scan at 8 weeks, who cannot have died or been lost before it.
    dose_error : float, str or None
        Standard deviation of the error of D100 in Gy, or the column of the lesions that holds it; None: not known.
    expected_dose : str or None
        Column of the lesions with the D100 that is expected to be delivered.
    n_resamples, n_bootstrap : int
        Resamples behind corrected p values; bootstrap samples of patients behind intervals.
    seed : int
    """

    mode: Literal["recommended", "paper"] = "recommended"
    threshold_gy: float = 20.0
    horizon_months: float = 12.0
    alpha_beta_gy: float = 10.0
    landmark_months: float = 77 / 30.4375
    week8_needed: bool = False
    dose_error: float | str | None = None
    expected_dose: str | None = None
    n_resamples: int = 1999
    n_bootstrap: int = 200
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Control:
    """Local control of the lesions, whatever their dose.

    Parameters
    ----------
    km : KaplanMeier
        All lesions, errors by patient.
    by_type : mapping of tumour type to KaplanMeier
    incidence : Incidence
        Recurrence with death competing.
    npmle : Turnbull or None
        What the scan intervals alone allow.
    follow_up : KaplanMeier
        Potential follow-up.
    """

    km: KaplanMeier
    by_type: Mapping[str, KaplanMeier]
    incidence: Incidence
    npmle: Turnbull | None
    follow_up: KaplanMeier


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DoseModels:
    """Cause-specific Cox models with D100 as a continuous covariate.

    Parameters
    ----------
    univariate, adjusted : tuple of Effect
        Each covariate alone; all together.
    headline : Effect or None
        D100 in the adjusted model.
    proportional : ProportionalHazards or None
        Test of the adjusted model.
    spline : SplineCurve or None
        Where it rejects a straight line, the curve is the answer and not the headline.
    interaction : Interaction or None
        By tumour type.
    n_patients_recurred : int
        Patients with a recurrence: so many tell of dose independently.
    explained : float
        Share of the variance of D100 that its adjusters explain.
    linear_p : float or None
        That the effect of D100 is a straight line, tested against a curve and against a step, and corrected for two
        tests; None where there is no curve.
    """

    univariate: tuple[Effect, ...]
    adjusted: tuple[Effect, ...]
    headline: Effect | None
    proportional: ProportionalHazards | None
    spline: SplineCurve | None
    interaction: Interaction | None
    n_patients_recurred: int
    explained: float
    linear_p: float | None

    @property
    def carried(self) -> bool:
        """Whether a statement about dose has enough patients with a recurrence, and D100 is not all its adjusters."""
        enough = self.n_patients_recurred >= EVENTS_FOR_A_MODEL * len(self.adjusted)
        return self.headline is not None and enough and self.explained < _INSEPARABLE

    @property
    def curved(self) -> bool:
        """Whether a straight line is rejected, so that no ratio per Gy describes the effect of D100."""
        return self.carried and self.linear_p is not None and self.linear_p < 0.05

    @property
    def differs(self) -> bool:
        """Whether the effect of D100 differs between tumour types, so that no answer holds for all."""
        return self.carried and self.interaction is not None and self.interaction.test.p < 0.05


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Threshold:
    """Lesions at or above a fixed D100 against those below.

    Parameters
    ----------
    at_gy : float
    below, above : KaplanMeier
        Errors by patient.
    test : LogRank
        Lesions taken as independent.
    unadjusted, adjusted : Effect
    """

    at_gy: float
    below: KaplanMeier
    above: KaplanMeier
    test: LogRank
    unadjusted: Effect
    adjusted: Effect


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Cuts:
    """Cut-offs of D100; None where not computed.

    Parameters
    ----------
    threshold : Threshold or None
        A fixed one.
    adjusted, unadjusted : Cutoff or None
        The best one, with and without adjustment.
    beyond_line : Cutoff or None
        The best step beside D100 as a straight line: whether a step explains what a line does not.
    beyond_curve : Cutoff or None
        The best step beside D100 as a spline, where a straight line is rejected: whether it is a step and no bend.
    """

    threshold: Threshold | None
    adjusted: Cutoff | None
    unadjusted: Cutoff | None
    beyond_line: Cutoff | None
    beyond_curve: Cutoff | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DoseResponse:
    """Fitted dose-response curves by name, and the observed control in groups of dose."""

    curves: Mapping[str, TcpFit]
    bins: tuple[ControlBin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricTest:
    """One metric alone beside the adjusters.

    Parameters
    ----------
    name : str
    sd : float
        Standard deviation over the lesions.
    hazard_ratio, lower, upper, p : float
        Per standard deviation, errors by patient.
    p_holm, p_bh, p_max_t : float
        Adjusted for the number of metrics: by Holm, by Benjamini and Hochberg, by max-T; NaN for a metric that counts
        with another.
    same_as : str
        The metric of which this one is a monotone transform: one question, counted once. Empty for the others.
    correlation_with_d100 : float
        Spearman.
    """

    name: str
    sd: float
    hazard_ratio: float
    lower: float
    upper: float
    p: float
    p_holm: float
    p_bh: float
    p_max_t: float
    same_as: str
    correlation_with_d100: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Correlation:
    """All results; what could not be computed is None or empty, and named in ``failed``.

    Parameters
    ----------
    settings : Settings
    table : LesionTable
        The lesions.
    control : Control
    models : DoseModels
    benefit : Benefit or None
        What more dose would mean, as a risk.
    cuts : Cuts
    response : DoseResponse
    metrics : tuple of MetricTest
        All DVH metrics side by side.
    performance : Performance or None
    quality : PredictionQuality or None
        Of the predicted risk with death competing.
    sensitivity : mapping of model to Effect
        D100 in other models.
    left_out_groups : mapping of centre or year to Effect
        D100 without the lesions of one centre, or of one year where there is one centre.
    unmeasured : Unmeasured or None
        How strong a confounder that was not measured must be.
    one_patient : Effect or None
        D100 without the patient who moves it most.
    dose_error : tuple of Effect
        D100 as recorded and corrected for its error; empty where the error is not known.
    paper : PaperRule or None
        The paper's way of building a model, in mode ``paper``.
    d100_with_diameter : float
        Spearman correlation.
    failed : mapping of str to str
        Step -> why it could not be computed.
    """

    settings: Settings
    table: LesionTable
    control: Control
    models: DoseModels
    benefit: Benefit | None
    cuts: Cuts
    response: DoseResponse
    metrics: tuple[MetricTest, ...]
    performance: Performance | None
    quality: PredictionQuality | None
    sensitivity: Mapping[str, Effect]
    left_out_groups: Mapping[str, Effect]
    unmeasured: Unmeasured | None
    one_patient: Effect | None
    dose_error: tuple[Effect, ...]
    paper: PaperRule | None
    d100_with_diameter: float
    failed: Mapping[str, str]
