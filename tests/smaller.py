"""The same command with less to draw, for tests of the examples of help texts and pages."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

__all__ = ["FEWER", "draw_one_form", "fewer"]

# Options of fewer samples, photons, paths and sizes, after those that an example names: the rest of what such a command
# does stays. In a patient of half the size the catheters that are in lie half as far apart.
FEWER = {
    "correlate": {"--bootstrap": "5", "--resamples": "19"},
    "cohort describe": {"--bootstrap": "5"},
    "evaluate --model": {"--uncertainty": "0.1"},
    "dose --model": {"--uncertainty": "0.1"},
    "place": {"--candidates": "6"},
    "place --given": {"--apart": "2.5"},
    "bench": {"--seconds": "0.005", "--sizes": "small"},
    "power": {"--replicates": "4"},
    "robust": {"--scenarios": "40"},
    "procedure": {"--runs": "2"},
}


def fewer(words: Sequence[str]) -> list[str]:
    """Return the options that leave a command less to draw: of two values the last holds.

    Parameters
    ----------
    words : sequence of str
        The command without ``hdrplan``.
    """
    small = [options for name, options in FEWER.items() if all(word in words for word in name.split())]
    return [word for options in small for option in options.items() for word in option]


def draw_one_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a folder of figures have one of three forms; tests/report writes all of them."""
    monkeypatch.setattr("hdrplan.report.cohort_figures.FORMATS", ("svg",))
