"""A second check in the patient's media, in words and numbers."""

from __future__ import annotations

from dataclasses import asdict

from hdrplan.workflow import MediaCheck

__all__ = ["media_check_lines", "media_check_table"]


def media_check_lines(check: MediaCheck) -> list[str]:
    """Return the metrics by three doses, and which of both the stated one lies nearer to."""
    width = max((len(row.structure) for row in check.rows), default=9)
    lines = [f"{'structure':<{width}} {'':<4} {'TPS':>8} {'TG-43':>8} {'D_m,m':>8} {'error':>6}  Gy"]
    lines += [
        f"{row.structure:<{width}} {row.metric:<4} {row.tps_gy:>8.2f} {row.tg43_gy:>8.2f} {row.media_gy:>8.2f} "
        f"{row.media_error_gy:>6.2f}"
        for row in check.rows
    ]
    return [
        *lines,
        f"The stated dose lies nearer to {check.nearer}: its median is {100 * check.from_tg43_frac:+.1f} % from TG-43 "
        f"and {100 * check.from_media_frac:+.1f} % from D_m,m, in {check.voxels:,} voxels. What is judged above is "
        "TG-43.",
    ]


def media_check_table(check: MediaCheck) -> dict[str, object]:
    """Return the same as numbers."""
    return {
        "nearer": check.nearer,
        "voxels": check.voxels,
        "median_from_tg43_frac": check.from_tg43_frac,
        "median_from_media_frac": check.from_media_frac,
        "spread_tg43_frac": check.spread_tg43_frac,
        "spread_media_frac": check.spread_media_frac,
        "histories": check.histories,
        "rows": [asdict(row) for row in check.rows],
    }
