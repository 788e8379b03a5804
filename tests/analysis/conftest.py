"""Reports of cohorts are written some twenty times here, and their figures are drawn in one form."""

from collections.abc import Iterator

import pytest

from hdrplan.report.figures import FORMATS
from smaller import draw_one_form


@pytest.fixture(scope="session", autouse=True)
def figures_in_one_form() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        draw_one_form(patch)
        yield


@pytest.fixture
def every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw figures in all their forms, as a person gets them."""
    monkeypatch.setattr("hdrplan.report.cohort_figures.FORMATS", FORMATS)
