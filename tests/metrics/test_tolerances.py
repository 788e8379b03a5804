"""The tolerances of the second check that the manual prints are those of the code."""

from __future__ import annotations

import re
import tomllib
from dataclasses import asdict
from pathlib import Path

from hdrplan.metrics import Tolerances

PAGE = Path(__file__).resolve().parents[2] / "docs/howto/dicom.md"


def test_the_manual_prints_the_defaults() -> None:
    block = next(b for b in re.findall(r"```[a-z]*\n(.*?)```", PAGE.read_text(), re.DOTALL) if "point_frac" in b)
    printed, defaults = tomllib.loads(block), asdict(Tolerances())
    assert {"trak_frac", "point_frac", "median_frac", "gamma"} <= set(printed)
    for name, value in printed.pop("gamma").items():
        assert defaults["gamma"][name] == value, name
    for name, value in printed.items():
        assert defaults[name] == value, name
