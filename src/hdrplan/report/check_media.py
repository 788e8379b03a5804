"""A second check in the patient's media, in words and numbers."""

from __future__ import annotations

from dataclasses import asdict

from hdrplan.workflow import MediaCheck

__all__ = ["media_cells", "media_check_lines", "media_check_table", "media_sentences"]


def media_sentences(check: MediaCheck) -> list[str]:
    """Return which dose the stated one has the shape of, so that it is judged by it, and what the Monte Carlo was."""
    other = "the rows of TG-43" if check.nearer == "D_m,m" else "the rows of D_m,m"
    return [
        f"The stated dose has the shape of {check.nearer}, and is judged by it; {other} are shown only. Its median is "
        f"{100 * check.from_tg43_frac:+.1f} % from TG-43 and {100 * check.from_media_frac:+.1f} % from D_m,m; about "
        f"the median it spreads by {100 * check.spread_tg43_frac:.2g} % and {100 * check.spread_media_frac:.2g} % "
        f"(median absolute difference of {check.voxels:,} voxels).",
        "TG-43 is dose to water, water everywhere; D_m,m is dose to the medium in the patient's media, from CT and "
        f"structures. Errors are standard errors (k = 1) of the Monte Carlo, {check.histories:,} photons in the "
        "patient and as many in water; what is not known of media and densities is not in them.",
    ]


def media_cells(check: MediaCheck) -> list[dict[str, str]]:
    """Return each metric by three doses, as texts for a table."""
    return [
        {
            "structure": row.structure,
            "metric": row.metric,
            "tps": f"{row.tps_gy:.2f}",
            "tg43": f"{row.tg43_gy:.2f}",
            "media": f"{row.media_gy:.2f} ± {row.media_error_gy:.2f}",
            "from_tg43": f"{100 * (row.tps_gy / row.tg43_gy - 1.0):+.1f} %" if row.tg43_gy > 0.0 else "",
            "from_media": f"{100 * (row.tps_gy / row.media_gy - 1.0):+.1f} %" if row.media_gy > 0.0 else "",
        }
        for row in check.rows
    ]


def media_check_lines(check: MediaCheck) -> list[str]:
    """Return the metrics by three doses, and which of both the stated one lies nearer to."""
    width = max((len(row.structure) for row in check.rows), default=9)
    lines = [f"{'structure':<{width}} {'':<4} {'TPS':>8} {'TG-43':>8} {'D_m,m':>8} {'error':>6}  Gy"]
    lines += [
        f"{row.structure:<{width}} {row.metric:<4} {row.tps_gy:>8.2f} {row.tg43_gy:>8.2f} {row.media_gy:>8.2f} "
        f"{row.media_error_gy:>6.2f}"
        for row in check.rows
    ]
    return [*lines, *media_sentences(check)]


def media_check_table(check: MediaCheck) -> dict[str, object]:
    """Return the same as numbers."""
    return {
        "nearer": check.nearer,
        "judged_by": check.nearer,
        "voxels": check.voxels,
        "median_from_tg43_frac": check.from_tg43_frac,
        "median_from_media_frac": check.from_media_frac,
        "spread_tg43_frac": check.spread_tg43_frac,
        "spread_media_frac": check.spread_media_frac,
        "histories": check.histories,
        "rows": [asdict(row) for row in check.rows],
    }
