"""What a program asks before it calls: metrics, grammar of goals, files, packaged sources; nothing heavy is imported.

Parsers, readers and writers take their words from here, and ``hdrplan info`` prints them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from hdrplan import __version__

__all__ = [
    "CASE_ENTRIES",
    "CATHETER_ENDINGS",
    "DEFAULT_SOURCE",
    "FILES",
    "GOAL_METRICS",
    "GOAL_PATTERN",
    "IMAGE_ENDINGS",
    "METRIC_PATTERN",
    "PACKAGED_PHANTOMS",
    "RESULT_METRICS",
    "SOURCE_ENDINGS",
    "STRENGTH_ENTRIES",
    "GoalMetric",
    "installed_versions",
    "sources_by_name",
]

DEFAULT_SOURCE = "gammamed-12i"

# Real cases that come with the package; `hdrplan phantom make` writes them.
PACKAGED_PHANTOMS = {
    "liver-lesion-b": "A real liver CT (1.5 mm) with organs, a synthetic lesion of 47 cc and seven catheters.",
    "liver-lesion-b-5mm": "The same in slices of 5 mm: smaller and quicker.",
}

# A goal is a metric, a sign, a number and a unit; signs other than >= and <= are read to be refused by name.
METRIC_PATTERN = r"^(D|V)\s*([0-9]*\.?[0-9]+)\s*(cc|cm3|ml|%|Gy)?$"
GOAL_PATTERN = r"^(.+?)\s*(>=|<=|≥|≤|>|<|=)\s*([-+0-9.eE]+)\s*(Gy|cGy|%|cc|cm3|ml|s|min)?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalMetric:
    """One kind of metric that a goal may limit.

    Parameters
    ----------
    written : str
        Its form; X stands for a number.
    meaning : str
    units : tuple of str
        Of the limit; empty for a ratio.
    senses : tuple of str
    example : str
        A goal that uses it.
    structure : str
        Of which structure it can be a goal.
    """

    written: str
    meaning: str
    units: tuple[str, ...]
    senses: tuple[str, ...] = (">=", "<=")
    example: str
    structure: str = "any"


_DOSE, _VOLUME = ("Gy",), ("%", "cc")
GOAL_METRICS = (
    GoalMetric(
        written="DX or DX%",
        meaning="dose that X % of the volume receives at least",
        units=_DOSE,
        example="D98 >= 20 Gy",
    ),
    GoalMetric(
        written="DXcc", meaning="dose that the hottest X cc receive at least", units=_DOSE, example="D1cc <= 14 Gy"
    ),
    GoalMetric(
        written="VX or VX% (X from 50)",
        meaning="volume that receives at least X % of the prescription",
        units=_VOLUME,
        example="V150 <= 60 %",
        structure="CTV",
    ),
    GoalMetric(
        written="VXGy, or VX (X below 50)",
        meaning="volume that receives at least X Gy",
        units=_VOLUME,
        example="V10Gy <= 30 %",
    ),
    GoalMetric(written="Dmean", meaning="mean dose", units=_DOSE, example="Dmean <= 5 Gy"),
    GoalMetric(written="Dmax", meaning="maximum dose", units=_DOSE, example="Dmax <= 12 Gy"),
    GoalMetric(written="Dmin", meaning="minimum dose", units=_DOSE, example="Dmin >= 15 Gy"),
    *(
        GoalMetric(
            written=name, meaning=meaning, units=(), senses=(sense,), example=f"{name} {sense} {value}", structure="CTV"
        )
        for name, sense, value, meaning in (
            ("COIN", ">=", "0.7", "conformal index without organs: CI x HTCI"),
            ("CN", ">=", "0.7", "conformation number of van 't Riet, the same product"),
            ("HTCI", ">=", "0.8", "fraction of the prescription isodose that lies in the CTV"),
            ("PITV", "<=", "1.4", "volume of the prescription isodose per volume of the CTV"),
        )
    ),
    GoalMetric(
        written="time", meaning="total dwell time", units=("s", "min"), example="time <= 30 min", structure="plan"
    ),
)

# Metrics that results give for a structure: key of metrics.json -> meaning. The end of a key is its unit.
RESULT_METRICS: Mapping[str, str] = MappingProxyType(
    {
        "role": "CTV, OAR or other",
        "volume_cc": "volume",
        "prescription_gy": "prescribed D100 (CTV)",
        "d100_gy": "minimum dose of a CTV; where it is proven, the lower end of its interval",
        **{f"d{x}_gy": f"dose that {x} % of a CTV receive at least" for x in (99, 98, 95, 90, 50, 2)},
        **{f"v{x}_pct": f"fraction of a CTV that receives at least {x} % of the prescription" for x in (100, 150, 200)},
        "min_gy": "minimum dose at the sample points",
        "mean_gy": "mean dose",
        "max_gy": "maximum dose at the sample points",
        "dhi": "dose homogeneity index of a CTV, (V100 - V150) / V100",
        "d100_inside_gy": "minimum dose at the sample points inside a CTV, its surface left out",
        "d100_sampling_gy": "what half the sample points change in D100",
        "coin": "conformal index of a CTV, CI x HTCI",
        "ci": "coverage index: fraction of the CTV inside the prescription isodose",
        "htci": "fraction of the prescription isodose that lies in the CTV",
        "pitv": "volume of the prescription isodose per volume of the CTV",
        "isodose_cc": "volume inside the prescription isodose",
        "isodose_error_cc": "error of isodose_cc",
        **{f"d{k}cc_gy": f"dose that the hottest {x} cc receive at least" for k, x in (("0_1", 0.1), (1, 1), (2, 2))},
        **{f"v{x}gy_cc": f"volume that receives at least {x} Gy" for x in (5, 10)},
        **{f"v{x}gy_pct": f"fraction of the volume that receives at least {x} Gy" for x in (5, 10)},
        **{f"d{k}cc_sampling_gy": f"error of d{k}cc_gy from sampling" for k in ("0_1", 1, 2)},
        "d100_lower_gy": "every point of the CTV receives at least this dose: proven",
        "d100_upper_gy": "some point of the CTV receives at most this dose",
        "d100_other_points_gy": "D100 at a second set of sample points",
        "mask_cc": "volume of the voxels of the structure's mask",
        "sampling_mm": "edge length of the sampling cubes",
        "points": "number of sample points",
        "in_dose_grid_pct": "fraction of the structure inside the dose grid that is written",
        "extrapolated_pct": "fraction of the structure's dose from beyond the source's table",
    }
)

CASE_ENTRIES: Mapping[str, str] = MappingProxyType(
    {
        "name": "name of the case; without it, the folder's",
        "ct": "CT: an image file or a folder with a DICOM series",
        "structures": "[[structures]] tables: file with names (label map), file (.seg.nrrd), file with name (mask)",
        "catheters": "file of catheters, hub first",
        "applicator": "TOML file of what the catheters are: the offset of their first dwell, and who measured it",
        "roles": "[roles] structure = CTV, OAR or other; structures that are not named are not read",
        "healthy": "organ whose mean dose, CTVs taken out, is minimised",
        "prescription_gy": "[prescription_gy] CTV = Gy, or one number for all CTVs",
        "reference_only": "CTVs whose prescription only percent refer to: no dose is asked for but by goals",
        "goals": "[[goals]] tables (structure, goal, level, source), or a TOML file of them",
        "source": "[source] name or file, and the strength in one of three forms",
        "dwells": "[dwells] the planner's options",
    }
)
STRENGTH_ENTRIES: Mapping[str, str] = MappingProxyType(
    {
        "strength_u": "air-kerma strength at treatment in U (cGy cm2/h), or text such as 10 Ci apparent",
        "strength_time": "when the source has strength_u, ISO 8601; travels into the RT Plan",
        "calibration_strength_u": "strength at calibration_time; needs treatment_time",
        "calibration_time": "date and time, ISO 8601",
        "treatment_time": "date and time, ISO 8601",
        "activity_ci": "apparent activity in Ci",
        "u_per_mci": "conversion of the apparent activity; 4.07 if absent",
    }
)

IMAGE_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha")
CATHETER_ENDINGS = (".mrk.json", ".json", ".csv")
SOURCE_ENDINGS = (".json", ".csv", ".xlsx", ".xls")
# Content -> (endings, what the files hold). Folders of DICOM files are named in words: their files need no ending.
FILES: Mapping[str, tuple[tuple[str, ...], str]] = MappingProxyType(
    {
        "case": ((".toml",), "folder with case.toml; entries under case_entries"),
        "image": (IMAGE_ENDINGS, "CT, label map, mask, dose; a CT also as a folder with a DICOM series"),
        "segmentation": ((".seg.nrrd",), "3D Slicer segmentation, overlapping layers included"),
        "names": (
            (".json",),
            'names of a label map: {"32": "lesion"} or {"lesion": 32}, also under "labels" (nnU-Net, MONAI); '
            "label maps of TotalSegmentator hold their own",
        ),
        "catheters": (CATHETER_ENDINGS, "3D Slicer Markups; polylines in LPS or RAS mm, hub first"),
        "goals": ((".toml",), "[[goals]] tables: structure, goal, level (0: hard), source; and [dwells]"),
        "source": (SOURCE_ENDINGS, "TG-43 data: hdrplan record, NAME_g.csv with NAME_F.csv, ESTRO or CLRP workbook"),
        "plan": ((".json",), "plan.json (schema hdrplan.plan/2): dwells, times, source, strength"),
        "metrics": ((".json",), "metrics.json (schema hdrplan.metrics/1): structures, plan, goals, certificate"),
        "dose": ((".nrrd",), "dose.nrrd: Gy, on a part of the CT's grid"),
        "dvh": ((".csv",), "dvh.csv: structure, dose_gy, volume_cc, volume_frac"),
        "report": ((".html",), "one page that opens without a network"),
        "run": ((".json",), "run.json: versions, SHA-256 of inputs, options, seconds, warnings, files written"),
        "dicom": ((".dcm",), "CT, RT Structure Set, RT Plan (brachytherapy) and RT Dose, read and written"),
        "cohort": ((".csv", ".parquet", ".xlsx"), "folder or workbook of cohort tables"),
    }
)


@cache
def sources_by_name() -> Mapping[str, Mapping[str, object]]:
    """Return the records of the packaged sources by name, as their files hold them; the default first."""
    from importlib import resources

    folder = resources.files("hdrplan") / "sources" / "data"
    records = {
        entry.name.removesuffix(".json"): json.loads(entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".json")
    }
    names = sorted(records, key=lambda name: (name != DEFAULT_SOURCE, name))
    return MappingProxyType({name: records[name] for name in names})


def installed_versions() -> dict[str, str]:
    """Return the versions of hdrplan, Python and the packages that numbers may depend on; none of them is imported."""
    # importlib.metadata brings the parser of e-mail: 20 of the 80 CPU ms in which a command prints its help.
    import platform
    from importlib.metadata import PackageNotFoundError, version

    versions = {"hdrplan": __version__, "python": platform.python_version()}
    for package in ("numpy", "numba", "scipy", "highspy", "SimpleITK", "pydicom"):
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions
