"""A model-based dose as one page: what it changes in the plan, its uncertainty, and what TG-186 asks to report."""

from __future__ import annotations

from collections.abc import Iterable

from hdrplan.cautions import Caution
from hdrplan.materials import medium
from hdrplan.plan import Case
from hdrplan.report.model_drawing import curves_picture, plane_pictures
from hdrplan.report.model_text import change_text, error_text, figure_text, minimum_text
from hdrplan.report.page import doubts_of, page
from hdrplan.workflow import ModelDose, ModelFigure

__all__ = ["model_html"]


def model_html(result: ModelDose, case: Case, warnings: Iterable[Caution], *, title: str, version: str) -> str:
    """Return one self-contained page.

    Parameters
    ----------
    result : ModelDose
    case : Case
    warnings : iterable of Caution
    title : str
        Free of patient identifiers.
    version : str
    """
    media = result.setting.media
    shares = media.shares()
    return page(
        "model.html.j2",
        title=title,
        version=version,
        about={"Case": case.name, "Plan": result.plan.digest},
        pictures=True,
        doubts=doubts_of(warnings),
        summary=_summary(result),
        rows=[
            {
                "name": s.name,
                "uncertainty": f"{100 * s.uncertainty_frac:.2f} %" if s.uncertainty_frac == s.uncertainty_frac else "",
                "figures": [_cells(f) for f in s.figures],
            }
            for s in result.structures
        ],
        planes=plane_pictures(result),
        curves=curves_picture(result),
        shares=[
            {
                "name": share.name.replace("_", " "),
                "volume": f"{share.volume_cc:.1f}",
                "density": f"{share.mean_density_g_per_cc:.3f}",
                "range": f"{share.min_density_g_per_cc:.3f} to {share.max_density_g_per_cc:.3f}",
                "source": medium(share.name).source,
            }
            for share in shares
        ],
        assigned=media.structures,
        facts=_facts(result),
    )


def _cells(figure: ModelFigure) -> dict[str, str]:
    return {
        "name": figure.name,
        "tg43": figure_text(figure.tg43, figure),
        "medium": f"{figure_text(figure.medium, figure)} ± {error_text(figure.medium_error, figure)}",
        "water": f"{figure_text(figure.water, figure)} ± {error_text(figure.water_error, figure)}",
        "change": change_text(figure),
    }


def _summary(result: ModelDose) -> list[str]:
    """Return one sentence for each CTV, and what it cost."""
    lines = []
    for structure in result.structures:
        figures = {f.name: f for f in structure.figures}
        if "D90" in figures and "D100" in figures:
            d90, d100 = figures["D90"], figures["D100"]
            (of_90, of_100) = (error_text(one.medium_error, one) for one in (d90, d100))
            lines.append(
                f"{structure.name}: D90 is {d90.medium:.2f} ± {of_90} Gy to the medium (D_m,m), {d90.water:.2f} Gy to "
                f"water (D_w,m), and {d90.tg43:.2f} Gy by TG-43 ({change_text(d90)}); D100 is {d100.medium:.2f} ± "
                f"{of_100} Gy instead of {d100.tg43:.2f} Gy ({change_text(d100)})."
            )
    lines += [text[:1].upper() + text[1:] for text in (minimum_text(minimum, result) for minimum in result.minima)]
    lines.append(
        f"It took {result.histories:,} photons in the patient and as many in water, "
        f"{sum(result.seconds.values()):.0f} s."
    )
    return lines


def _facts(result: ModelDose) -> list[tuple[str, str]]:
    options, setting = result.options, result.setting
    met = "reached" if result.reached_frac <= options.uncertainty_frac else "NOT reached"
    voxel = " x ".join(f"{side:.3g}" for side in setting.media.grid.spacing_mm)
    return [
        (
            "Dose reported",
            "D_m,m: dose to the medium, photons transported in media; D_w,m: dose to water there; TG-43 is D_w,w",
        ),
        (
            "Method",
            "TG-43 dose times the heterogeneity correction factor HCF = (primary + scatter) in the patient's media "
            "over the same in water without end",
        ),
        ("Primary", "ray tracing through the voxels, the whole spectrum, no noise"),
        (
            "Scatter",
            f"photon Monte Carlo: {result.histories:,} histories in the patient, as many in water with the same random "
            f"numbers, seed {options.seed}; kerma by track length, electrons absorbed where they start",
        ),
        (
            "Uncertainty",
            f"{100 * result.reached_frac:.2f} % at most in any structure (k = 1, statistical; root mean square over "
            f"points of at least {result.counted_gy:.3g} Gy); asked {100 * options.uncertainty_frac:g} %, {met}. "
            "Media, densities and cross sections are not in it",
        ),
        (
            "Source",
            f"{result.plan.source.name}; photons of the HCF: {setting.emission.name}, "
            f"{setting.emission.mean_kev:.0f} keV on average",
        ),
        ("Media", f"rules '{setting.media.rules}', voxels of {voxel} mm; scatter scored on cells of twice that"),
        ("Near the source", "TG-43's dose stays: the HCF is smooth there. Applicators and catheters are not modelled"),
    ]
