"""A model-based dose as lines for a terminal and as a table for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable

from hdrplan.cautions import Caution
from hdrplan.materials import medium
from hdrplan.optimize import EveryPoint
from hdrplan.workflow import ModelDose, ModelFigure

__all__ = ["change_text", "error_text", "figure_text", "minimum_text", "model_lines", "model_table"]

_SCHEMA = "hdrplan model-based dose, 1"


def figure_text(value: float, figure: ModelFigure) -> str:
    """Return a value in the unit of its figure."""
    return f"{value:.2f}" if figure.unit else f"{100 * value:.1f} %"


def error_text(error: float, figure: ModelFigure) -> str:
    """Return a standard error in the unit of its figure; what would be rounded to 0 is the last digit."""
    digits, value = (2, error) if figure.unit else (1, 100.0 * error)
    return f"{max(value, 10.0**-digits) if value > 0.0 else value:.{digits}f}"


def change_text(figure: ModelFigure) -> str:
    """Return by how much D_m,m differs from TG-43, with its standard error: relative, or in points."""
    scale = 100.0 / figure.tg43 if figure.unit and figure.tg43 > 0.0 else 100.0
    change, error = (figure.medium - figure.tg43) * scale, figure.medium_error * scale
    digits = 2 if error < 0.1 else 1
    return f"{change:+.{digits}f} ± {error:.{digits}f}{' %' if figure.unit else ' points'}"


def minimum_text(minimum: EveryPoint, result: ModelDose) -> str:
    """Return what is proven of the least dose in a CTV, with the standard error of its D100.

    Parameters
    ----------
    minimum : EveryPoint
    result : ModelDose
    """
    end = "" if minimum.finished else "; the search was not finished"
    error_gy = max(_error_of_d100(minimum.structure, result), 0.01)
    return (
        f"every point of {minimum.structure} is proven to receive at least {minimum.minimum_gy:.2f} Gy D_m,m and the "
        f"coldest {minimum.upper_gy:.2f} Gy, each ± {error_gy:.2f} Gy by the Monte "
        f"Carlo{end}."
    )


def _error_of_d100(name: str, result: ModelDose) -> float:
    structure = next(s for s in result.structures if s.name == name)
    return next((f.medium_error for f in structure.figures if f.name == "D100"), math.nan)


def model_lines(result: ModelDose) -> list[str]:
    """Return what a terminal shows: every figure by TG-43 and by Monte Carlo, side by side."""
    width = max(len(s.name) for s in result.structures)
    lines = [
        f"{'structure':<{width}} {'figure':<7} {'TG-43':>8} {'D_m,m':>8} {'error':>6} {'D_w,m':>8}  D_m,m against TG-43"
    ]
    for structure in result.structures:
        for k, figure in enumerate(structure.figures):
            error = error_text(figure.medium_error, figure)
            lines.append(
                f"{structure.name if k == 0 else '':<{width}} {figure.name:<7} {figure_text(figure.tg43, figure):>8} "
                f"{figure_text(figure.medium, figure):>8} {error:>6} {figure_text(figure.water, figure):>8}  "
                f"{change_text(figure)}"
            )
    lines += [_capital(minimum_text(minimum, result)) for minimum in result.minima]
    reached, asked = 100 * result.reached_frac, 100 * result.options.uncertainty_frac
    met = "reached" if result.reached_frac <= result.options.uncertainty_frac else "NOT reached"
    lines += [
        "Doses in Gy. TG-43 is D_w,w (water everywhere); D_m,m is to the medium and D_w,m to water, both in the "
        "patient's media. Errors are standard errors (k = 1) of the Monte Carlo.",
        f"{result.histories:,} photons in the patient and as many in water, seed {result.options.seed}; uncertainty "
        f"{reached:.2f} % of at most {asked:g} % {met} in every structure, at points above {result.counted_gy:.3g} Gy.",
    ]
    return lines


def model_table(result: ModelDose, warnings: Iterable[Caution]) -> dict[str, object]:
    """Return everything as one table: TG-186's reporting items, figures, warnings.

    Parameters
    ----------
    result : ModelDose
    warnings : iterable of Caution
    """
    media = result.setting.media
    return {
        "schema": _SCHEMA,
        "plan": result.plan.digest,
        "source": result.plan.source.name,
        "emission": result.setting.emission.name,
        "dose_reported": {"medium": "D_m,m", "water": "D_w,m", "tg43": "D_w,w"},
        "uncertainty": {
            "asked_frac": result.options.uncertainty_frac,
            "reached_frac": _known(result.reached_frac),
            "counted_gy": result.counted_gy,
            "definition": "relative standard error (k = 1) of D_m,m, root mean square over points that count",
        },
        "histories": result.histories,
        "seed": result.options.seed,
        "media": {
            "rules": media.rules,
            "voxel_mm": media.grid.spacing_mm.tolist(),
            "shares": [
                {
                    "medium": share.name,
                    "volume_cc": share.volume_cc,
                    "density_g_per_cc": [
                        share.min_density_g_per_cc,
                        share.mean_density_g_per_cc,
                        share.max_density_g_per_cc,
                    ],
                    "source": medium(share.name).source,
                }
                for share in media.shares()
            ],
            "structures": dict(media.structures),
        },
        "structures": [
            {
                "name": s.name,
                "role": s.role,
                "volume_cc": s.volume_cc,
                "uncertainty_frac": _known(s.uncertainty_frac),
                "mean_factor": s.mean_factor,
                **_minimum_of(s.name, result),
                "figures": [
                    {
                        "name": f.name,
                        "unit": f.unit,
                        "tg43": f.tg43,
                        "d_mm": f.medium,
                        "d_mm_error": f.medium_error,
                        "d_wm": f.water,
                        "d_wm_error": f.water_error,
                    }
                    for f in s.figures
                ],
            }
            for s in result.structures
        ],
        "seconds": result.seconds,
        "warnings": [warning.table() for warning in warnings],
    }


def _minimum_of(name: str, result: ModelDose) -> dict[str, object]:
    """Return what is proven of a CTV's least dose, as numbers; nothing for an organ."""
    for minimum in result.minima:
        if minimum.structure == name:
            return {
                "d100_mm_proven_gy": [minimum.minimum_gy, minimum.upper_gy],
                "d100_mm_error_gy": _error_of_d100(name, result),
            }
    return {}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
