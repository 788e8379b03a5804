"""Make src/hdrplan/sources/data/*.json from the collected TG-43 tables: ``python tools/make_sources.py ../shared``.

The collected tables lie beside the checkout and are not part of the project; the numbers are facts of the publications
named in each file. Kept so that every packaged number can be traced and made again.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parents[1] / "src" / "hdrplan" / "sources" / "data"
HALF_LIFE = (
    "73.83 d, as BrachyVision writes it; ICRP 107 gives 73.827, the AAPM-ESTRO report 73.81: 0.02 % over 90 days"
)


@dataclass(frozen=True)
class Entry:
    """One packaged source: which collected file, under which names, g continued by which other source.

    ``instead`` names the table to plan with, where this one is of a bounded phantom (a sphere of 15 cm radius).
    """

    file: str
    name: str
    aliases: tuple[str, ...] = ()
    beyond: str | None = None
    note: str = ""
    kind: str = ""
    model: str = ""
    instead: str = ""


ENTRIES = [
    Entry(
        "gammamed_12i_clrp",
        "gammamed-12i",
        ("gammamed-12i-clrp", "12i"),
        note="The default. Noise of the study: the value at exactly (1 cm, 90 degrees) is 0.4 to 0.6 % above its "
        "neighbours (F there is 0.994 at 80 and 100 degrees). The table is given as published.",
    ),
    Entry("gammamed_plus_hebd", "gammamed-plus", ("gammamed-plus-hebd",), "gammamed-plus-clrp"),
    Entry("gammamed_plus_clrp", "gammamed-plus-clrp"),
    Entry(
        "gammamed_pdr_plus_hebd",
        "gammamed-pdr-plus",
        ("gammamed-pdr-plus-hebd",),
        "gammamed-plus-clrp",
        note="A PDR source, not for HDR. The capsule given is that of the HDR source GammaMed Plus.",
    ),
    Entry("microselectron_v1_hebd", "microselectron-v1", ("microselectron-v1-hebd",), "microselectron-v1-clrp"),
    Entry("microselectron_v1_clrp", "microselectron-v1-clrp"),
    Entry(
        "microselectron_v2_hebd",
        "microselectron-v2",
        ("microselectron-v2-hebd", "microselectron-v2r", "mhdr-v2", "mhdr-v2r"),
        "microselectron-v2-clrp",
        note="g and F rise within 1 mm of the source: electrons that leave the capsule are counted there. F has no "
        "column between 0.4 and 0.75 cm. The along-away table published with it follows from these tables with an "
        "active length of 0.36 cm, not with the 0.35 cm stated.",
    ),
    Entry("microselectron_v2_clrp", "microselectron-v2-clrp", note="Active length 0.36 cm, not 0.35 as the consensus."),
    Entry(
        "microselectron_v2_daskalov1998",
        "microselectron-v2-daskalov",
        (),
        "microselectron-v2-clrp",
        note="Bounded phantom (sphere of 15 cm radius): g is up to 6 % below unbounded data at 10 cm. "
        "Active length 0.36 cm.",
        instead="microselectron-v2",
    ),
    Entry(
        "microselectron_v2r_granero2011",
        "microselectron-v2r-granero",
        note="Lambda is the mean of three Monte Carlo codes, g and F are from PENELOPE. Size of the water phantom "
        "not stated in the supplement. Of the 541 x 171 cells of the along-away table those every 1 mm near the source "
        "and every 5 mm farther out are packaged.",
    ),
    Entry("flexisource_hebd", "flexisource", ("flexisource-hebd",), "flexisource-clrp"),
    Entry("flexisource_clrp", "flexisource-clrp"),
    Entry("vs2000_hebd", "vs2000", ("vs2000-hebd", "varisource-vs2000"), "vs2000-clrp", note="Active length 0.5 cm."),
    Entry("vs2000_clrp", "vs2000-clrp"),
    Entry("m19_hebd", "m-19", ("m19", "m-19-hebd", "spec-m19"), "m-19-clrp"),
    Entry("m19_clrp", "m-19-clrp", ("m19-clrp",)),
    Entry("varisource_classic_clrp", "varisource-classic", ("varisource-classic-clrp", "varisource")),
    Entry(
        "varisource_classic_wang1998",
        "varisource-classic-wang",
        (),
        "varisource-classic",
        note="Bounded phantom (sphere of 30 cm diameter). The publication has the cable at 0 degrees; here, as "
        "everywhere, 0 is the tip.",
        instead="varisource-classic",
    ),
    Entry("gi192m11_clrp", "gi192m11", ("gi192m11-clrp", "bebig-gi192m11")),
    Entry("buchler_clrp", "buchler", ("buchler-clrp", "buchler-g0814")),
    Entry(
        "mbdca_generic",
        "mbdca-generic",
        ("generic", "mbdca-wg"),
        note="A virtual source for commissioning. F and the along-away table are the published ones (three digits); "
        "g is a Monte Carlo calculation of the Enger laboratory.",
        kind="generic",
    ),
]


def kind_of(published: str) -> str:
    """Return consensus or single study."""
    return "consensus" if published.startswith("consensus") else "single study"


def transposed(rows: list[list[float | None]]) -> list[list[float | None]]:
    """Return rows as columns."""
    return [list(column) for column in zip(*rows, strict=True)]


def thinned(axis_cm: list[float]) -> list[int]:
    """Places of the axis that are multiples of 1 mm within 1 cm of the centre, of 5 mm farther out, and its first."""
    keep = {0}
    for place, value in enumerate(axis_cm):
        step = 0.1 if abs(value) <= 1.0 else 0.5
        if abs(value / step - round(value / step)) < 1e-6:
            keep.add(place)
    return sorted(keep)


def pick(values: list[Any], places: list[int]) -> list[Any]:
    """Return the values at the places."""
    return [values[place] for place in places]


def rounded(value: Any) -> Any:
    """Drop the digits that only binary floating point has put there; keep what was printed."""
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


def record_of(entry: Entry, folder: Path) -> dict[str, Any]:
    """Return one source in the schema of the package; units are those of the publications."""
    raw = json.loads((folder / f"{entry.file}.json").read_text(encoding="utf-8"))
    origin, capsule = raw["provenance"], raw["capsule_geometry_cm"]
    record: dict[str, Any] = {
        "schema": "hdrplan-source/1",
        "name": entry.name,
        "aliases": list(entry.aliases),
        "model": raw["name"],
        "manufacturer": raw["manufacturer"],
        "kind": entry.kind or kind_of(origin["dataset_kind"]),
        "citation": raw["reference"],
        "provenance": f"{origin['dataset_kind']}; {origin['phantom']}; numbers transcribed from "
        f"{origin['origin_repository']}, {origin['origin_path']}, {origin['origin_commit']}",
        "note": entry.note,
        "dose_rate_constant_cgy_per_h_per_u": raw["dose_rate_constant_cGy_per_h_per_U"],
        "active_length_cm": raw["active_length_cm"],
        "half_life_days": 73.83,
        "half_life_note": HALF_LIFE,
        "capsule_cm": {
            "radius": capsule["r_out"],
            "tip_z": capsule["tip_z"],
            "cable_z": capsule["cable_z"],
            "cable_radius": capsule["r_cable"],
        },
        "radial_dose": {"r_cm": raw["g_r"]["r_cm"], "g": raw["g_r"]["g"]},
        "anisotropy": {"r_cm": raw["F"]["r_cm"], "theta_deg": raw["F"]["theta_deg"], "f": raw["F"]["F"]},
    }
    if entry.beyond:
        record["radial_dose"]["beyond"] = entry.beyond
    if entry.instead:
        # To 5 cm both are within 1.5 % of the table named, as any two tables of one source are.
        record["bounded"] = {"radius_cm": 15.0, "holds_to_cm": 5.0, "instead": entry.instead}
    table = raw.get("along_away")
    if table:
        assert table["layout"] == "dose_rate[along_index][away_index]", table["layout"]
        along, away, rates = table["along_cm"], table["away_cm"], transposed(table["dose_rate_cGy_per_h_per_U"])
        if len(along) * len(away) > 10_000:
            i, j = thinned(along), thinned(away)
            along, away, rates = pick(along, i), pick(away, j), [pick(row, i) for row in pick(rates, j)]
        record["along_away"] = {"along_cm": along, "away_cm": away, "cgy_per_h_per_u": rates}
    return {key: rounded_deep(value) for key, value in record.items()}


def rounded_deep(value: Any) -> Any:
    """Apply :func:`rounded` inside dictionaries."""
    return {k: rounded_deep(v) for k, v in value.items()} if isinstance(value, dict) else rounded(value)


def text_of(record: dict[str, Any]) -> str:
    """Return JSON with one table row a line, so that a difference shows where it is."""
    return (
        json.dumps(unrolled(record), indent=1, ensure_ascii=False).replace('"\u00ab', "").replace('\u00bb"', "") + "\n"
    )


def unrolled(value: Any) -> Any:
    """Mark innermost lists so that each becomes one line."""
    if isinstance(value, dict):
        return {k: unrolled(v) for k, v in value.items()}
    if isinstance(value, list) and any(isinstance(v, list) for v in value):
        return [unrolled(v) for v in value]
    if isinstance(value, list) and value and not isinstance(value[0], str):
        return "\u00ab" + json.dumps(value) + "\u00bb"
    return value


def main() -> None:
    """Write all files."""
    folder = Path(sys.argv[1]) / "data" / "sources"
    OUT.mkdir(exist_ok=True)
    for entry in ENTRIES:
        (OUT / f"{entry.name}.json").write_text(text_of(record_of(entry, folder)), encoding="utf-8")
    print(f"{len(ENTRIES)} sources in {OUT}")


if __name__ == "__main__":
    main()
