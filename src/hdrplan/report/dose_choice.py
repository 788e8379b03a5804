"""What the choice between two doses changes in a cohort, in words and numbers."""

from __future__ import annotations

from dataclasses import asdict

from hdrplan.analysis import DoseChoice, Effect

__all__ = ["DOSE_IN_MEDIA", "dose_choice_cells", "dose_choice_lines", "dose_choice_table"]

# Said with every answer from that dose: published thresholds and prescriptions are of the other.
DOSE_IN_MEDIA = (
    "D100 here is the dose to the medium in the patient's media (D_m,m, Monte Carlo), not that of TG-43 in water."
)


def dose_choice_lines(choice: DoseChoice) -> list[str]:
    """Return how far both doses lie apart, who crosses the threshold, and the effect of either."""
    low, high = 100 * choice.lowest_change_frac, 100 * choice.highest_change_frac
    return [
        f"D100 in the patient's media (D_m,m) is {100 * choice.mean_change_frac:+.1f} % against TG-43 in {choice.n} "
        f"lesions ({low:+.1f} to {high:+.1f} %); {choice.crossed} of them reach {choice.threshold_gy:g} Gy by one of "
        "both doses only.",
        f"Hazard ratio per Gy: {_effect(choice.tg43)} with D100 by TG-43, {_effect(choice.media)} in media. A change "
        "common to all lesions moves a threshold, not an effect.",
    ]


def dose_choice_cells(choice: DoseChoice) -> list[dict[str, str]]:
    """Return one row for each dose: lesions that reach the threshold, and its hazard ratio per Gy."""
    doses = (
        ("TG-43 (dose to water in water)", choice.reached_tg43, choice.tg43),
        ("D_m,m (Monte Carlo in the patient's media)", choice.reached_media, choice.media),
    )
    return [
        {
            "dose": name,
            "reached": f"{reached} of {choice.n}",
            "ratio": _effect(effect),
            "p": "" if effect is None else f"{effect.p:.3g}",
            "events": "" if effect is None else f"{effect.n_events}",
        }
        for name, reached, effect in doses
    ]


def dose_choice_table(choice: DoseChoice, analysed: str) -> dict[str, object]:
    """Return the same as numbers.

    Parameters
    ----------
    choice : DoseChoice
    analysed : {"tg43", "mc"}
        The dose of all other numbers.
    """
    return {"analysed": analysed, **asdict(choice)}


def _effect(effect: Effect | None) -> str:
    if effect is None:
        return "not computed"
    return f"{effect.hazard_ratio:.3f} ({effect.lower:.3f} to {effect.upper:.3f})"
