"""Figures as files: the planes they show, the formats, and names that must not be read as formulas."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hdrplan.errors import InputError
from hdrplan.geometry import Volume
from hdrplan.report import FIGURES, figure_bytes, print_files
from hdrplan.report.planes import VIEWS, plane_values
from report_view import CENTRE_MM, centred_grid, small_view, turned


@pytest.mark.parametrize("name", VIEWS)
def test_a_linear_field_on_an_oblique_grid_is_read_exactly(name):
    grid = centred_grid((30, 30, 30), (1.0, 1.5, 2.0), turned(15, -20, 40))
    slope = np.array([0.7, -1.3, 2.1])
    volume = Volume(grid, (grid.points_mm() @ slope).reshape(grid.shape_zyx))
    view = VIEWS[name]
    across, down = CENTRE_MM[view.across] + np.arange(-6.0, 7.0), CENTRE_MM[view.down] + np.arange(-5.0, 6.0)
    got = plane_values(volume, view, float(CENTRE_MM[view.normal]), across, down)
    want = slope[view.across] * across[None] + slope[view.down] * down[:, None]
    # float32 values of some 1000, to its last bit.
    np.testing.assert_allclose(got, want + slope[view.normal] * CENTRE_MM[view.normal], atol=3e-4)


def test_outside_the_grid_a_plane_has_no_values():
    volume = Volume(centred_grid((5, 5, 5), (1.0, 1.0, 1.0), np.eye(3)), np.ones((5, 5, 5)))
    across = CENTRE_MM[0] + np.array([-2.6, -2.4, 0.0, 2.4, 2.6])
    got = plane_values(volume, VIEWS["axial"], float(CENTRE_MM[2]), across, CENTRE_MM[1:2])
    np.testing.assert_array_equal(np.isnan(got[0]), [True, False, False, False, True])


@pytest.mark.parametrize("what", FIGURES)
def test_every_figure_is_drawn(what):
    assert figure_bytes(FIGURES[what](small_view()), "png", dpi=40).startswith(b"\x89PNG")


@pytest.mark.parametrize(("form", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_every_format_is_written_and_the_same_twice(form, magic):
    first, second = (figure_bytes(FIGURES["dvh"](small_view()), form) for _ in range(2))
    assert first.startswith(magic)
    assert first == second


def test_names_are_shown_as_they_are():
    view = small_view(names=("lesion $x^2$ & <b>", "stomach_1"), title="a $title$")
    svg = figure_bytes(FIGURES["dvh"](view), "svg").decode()
    assert "<b>" not in svg
    figure_bytes(FIGURES["overview"](dataclasses.replace(view, ct=None)), "png", dpi=40)


def test_another_format_is_refused():
    with pytest.raises(InputError, match="png, svg, pdf"):
        figure_bytes(FIGURES["dvh"](small_view()), "bmp")


def test_a_figure_in_several_forms_is_laid_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    laid_out, execute = [], ConstrainedLayoutEngine.execute
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda own, fig: laid_out.append(fig) or execute(own, fig))
    figure = Figure(layout="constrained")
    figure.subplots().plot([0.0, 1.0], [0.0, 1.0])
    assert {name for name, _ in print_files({"a": figure})} == {"a.svg", "a.png", "a.pdf"}
    assert laid_out == [figure]
