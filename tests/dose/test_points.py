from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdrplan.dose import sample_points, shape_of
from hdrplan.errors import InputError
from hdrplan.geometry import Grid, Structure, inside
from hdrplan.metrics import d100_sampling, dvh
from hdrplan.validate import solids
from properties import assert_is_dvh
from tolerances import CONE_TIP_SLICES, SOLID_DOSES, SOLID_FARTHEST_MM

# (solid, point of the source on its axis): each 10 mm outside. The cone's tip is its farthest point.
CASES = {
    "sphere": (solids.sphere(20.0), -30.0),
    "cylinder": (solids.cylinder(15.0, 40.0), -30.0),
    "cone": (solids.cone(20.0, 40.0), 30.0),
}


@pytest.mark.parametrize("slice_mm", [1.0, 2.5, 5.0])
@pytest.mark.parametrize("name", CASES)
def test_solids_in_an_inverse_square_field(name: str, slice_mm: float) -> None:
    solid, source = CASES[name]
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        axis = rng.normal(size=3)
        axis /= np.linalg.norm(axis)
        structure = solid.structure((1.0, 1.0, slice_mm), axis, rng.uniform(-0.5, 0.5, 3))
        points = sample_points([structure], spacing_mm=0.5, max_points=400_000)
        dose = solids.STRENGTH / ((points.points_mm - source * axis) ** 2).sum(axis=1)
        curve = dvh(dose, points.volume_cc)
        assert points.volume_cc.sum() == pytest.approx(structure.volume_cc, rel=1e-12)
        for wanted_mm3, tolerance in zip((100.0, 2000.0, solid.volume_mm3() / 2), SOLID_DOSES[slice_mm], strict=True):
            assert curve.dose_at_cc(wanted_mm3 / 1000) == pytest.approx(
                solid.dose_at_mm3(wanted_mm3, source), rel=tolerance
            )
        # D100 as the distance of the coldest point: not beyond the solid, and not far short of it.
        farthest_mm = np.sqrt(solids.STRENGTH / curve.min_gy) - solid.distances_mm(source)[1]
        short_mm = CONE_TIP_SLICES * slice_mm + 1.0 if name == "cone" else SOLID_FARTHEST_MM[slice_mm]
        assert -short_mm < farthest_mm < SOLID_FARTHEST_MM[slice_mm]


def test_surface_points_lower_d100_to_the_surface() -> None:
    # 20 Gy at the surface of a sphere around a point source: voxel centres promise more than there is.
    solid = solids.sphere(20.0)
    axis = np.array([0.0, 0.0, 1.0])
    structure = solid.structure((1.0, 1.0, 1.0), axis, np.array([0.2, -0.3, 0.4]))
    points = sample_points([structure])
    dose = 20.0 * 20.0**2 / np.maximum((points.points_mm**2).sum(axis=1), 1.0)
    found = d100_sampling(dose, points.volume_cc)
    promised = 20.0 * 20.0**2 / (structure.voxels_mm**2).sum(axis=1).max()
    assert promised > 20.0
    # Half a voxel in 20 mm is 1 Gy; the poles, where a face lies along the grid, are where a mask says least.
    assert 19.5 < found.d100_gy <= promised
    assert found.d100_gy <= found.inside_gy
    assert 0.0 <= found.sensitivity_gy < 0.1
    assert np.median(dose[points.on_surface]) == pytest.approx(20.0, abs=0.05)


def test_surface_of_a_sphere_is_smooth_at_all_slice_distances() -> None:
    for slice_mm, typical_mm in ((1.0, 0.1), (2.5, 0.15), (5.0, 0.2)):
        solid = solids.sphere(20.0)
        structure = solid.structure((1.0, 1.0, slice_mm), np.array([0.0, 0.0, 1.0]), np.array([0.3, 0.1, 0.4]))
        points = sample_points([structure])
        away = np.linalg.norm(points.points_mm[points.on_surface], axis=1) - 20.0
        assert abs(away.mean()) < 0.1
        assert away.std() < typical_mm


@pytest.mark.parametrize("thick", [0, 1, 2])
def test_oblique_grid_with_thick_slices_along_any_axis(thick: int) -> None:
    spacing = np.ones(3)
    spacing[thick] = 4.0
    turn, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    count = np.ceil(34 / spacing).astype(int)
    grid = Grid(
        shape_zyx=tuple(count[::-1]), origin_mm=turn @ (-(count - 1) / 2 * spacing), spacing_mm=spacing, direction=turn
    )
    ball = np.linalg.norm(grid.points_mm(), axis=1) < 14
    structure = Structure(name="ball", role="CTV", grid=grid, mask_zyx=ball.reshape(grid.shape_zyx))
    points = sample_points([structure])
    away = np.linalg.norm(points.points_mm[points.on_surface], axis=1)
    assert abs(np.median(away) - 14) < 0.15
    assert np.linalg.norm(points.points_mm[~points.on_surface], axis=1).max() < 14.7
    assert np.abs((points.points_mm * points.volume_cc[:, None]).sum(axis=0) / points.volume_cc.sum()).max() < 0.1


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), fill=st.floats(0.05, 0.9), slice_mm=st.sampled_from([1.0, 2.0, 5.0]))
def test_any_mask_keeps_its_volume_and_its_place(seed: int, fill: float, slice_mm: float) -> None:
    rng = np.random.default_rng(seed)
    grid = Grid(shape_zyx=(5, 7, 6), origin_mm=rng.normal(size=3), spacing_mm=[1.0, 1.3, slice_mm])
    mask = rng.random(grid.shape_zyx) < fill
    mask[2, 3, 3] = True
    structure = Structure(name="any", role="CTV", grid=grid, mask_zyx=mask)
    points = sample_points([structure], spacing_mm=0.8)
    assert points.volume_cc.sum() == pytest.approx(structure.volume_cc, rel=1e-12)
    assert (points.volume_cc >= 0).all()
    assert np.isfinite(points.points_mm).all()
    # Nothing strays farther from a voxel's centre than 1.5 voxels.
    index = grid.index(points.points_mm)
    voxels = np.argwhere(mask)[:, ::-1]
    assert max(np.abs(voxels - point).max(axis=1).min() for point in index) < 1.5
    dose = 1.0 / (1.0 + (points.points_mm**2).sum(axis=1))
    assert_is_dvh(dvh(dose, points.volume_cc), dose, points.volume_cc)


def test_one_voxel_is_a_structure() -> None:
    grid = Grid(shape_zyx=(3, 3, 3), origin_mm=[0, 0, 0], spacing_mm=[1, 1, 1])
    mask = np.zeros((3, 3, 3))
    mask[1, 1, 1] = 1
    points = sample_points([Structure(name="dot", role="CTV", grid=grid, mask_zyx=mask)])
    assert points.volume_cc.sum() == pytest.approx(0.001, rel=1e-12)
    assert np.abs(points.points_mm - 1.0).max() < 0.8


def organ_and_target() -> tuple[Structure, Structure]:
    grid = Grid(shape_zyx=(60, 60, 60), origin_mm=[0, 0, 0], spacing_mm=[1.5, 1.5, 1.5])
    place = grid.points_mm()
    target = (np.linalg.norm(place - [30, 45, 45], axis=1) < 10).reshape(grid.shape_zyx)
    organ = (np.linalg.norm(place - [45, 45, 45], axis=1) < 40).reshape(grid.shape_zyx)
    return Structure(name="liver", role="OAR", grid=grid, mask_zyx=organ), Structure(
        name="lesion", role="CTV", grid=grid, mask_zyx=target
    )


def test_healthy_organ_is_sampled_without_the_target() -> None:
    organ, target = organ_and_target()
    points = sample_points([target, organ], healthy="liver")
    assert points.names == ("lesion", "liver")
    rest = points.rows("liver")
    assert points.mask_cc[1] == pytest.approx(organ.volume_cc - target.volume_cc)
    assert points.volume_cc[rest].sum() == pytest.approx(organ.volume_cc - target.volume_cc, rel=1e-12)
    within = inside(target, points.points_mm[rest]) & ~points.on_surface[rest]
    # The smooth surface cuts voxels: a point may lie in one, but well under a voxel deep.
    deep = np.linalg.norm(points.points_mm[rest][within] - [30, 45, 45], axis=1)
    assert deep.min(initial=10.0) > 9.0
    whole = sample_points([target, organ])
    assert whole.volume_cc[whole.rows("liver")].sum() == pytest.approx(organ.volume_cc, rel=1e-12)


def test_points_of_some_structures_are_their_rows_in_the_order_they_had() -> None:
    organ, target = organ_and_target()
    points = sample_points([target, organ, replace(target, name="again", role="OAR")], healthy="liver")
    some = points.only(["liver", "lesion", "not there"])
    assert (some.names, some.roles) == (("lesion", "liver"), ("CTV", "OAR"))
    for name in some.names:
        rows, had = some.rows(name), points.rows(name)
        for field in ("points_mm", "volume_cc", "on_surface"):
            np.testing.assert_array_equal(getattr(some, field)[rows], getattr(points, field)[had])
        assert some.shape(name) is points.shape(name)
    assert len(some) == some.start[-1] == sum(len(points.volume_cc[points.rows(name)]) for name in some.names)
    last = points.only(["again"])
    assert last.spacing_mm == points.spacing_mm[2]
    assert last.mask_cc == points.mask_cc[2]
    np.testing.assert_array_equal(last.points_mm, points.points_mm[points.rows("again")])
    assert points.only(points.names) is points


def test_a_shape_that_is_known_is_not_found_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    organ, target = organ_and_target()
    points = sample_points([target, organ], healthy="liver")
    asked: list[str] = []
    monkeypatch.setattr(
        "hdrplan.dose.points.shape_of", lambda structure: asked.append(structure.name) or shape_of(structure)
    )
    again = sample_points([target, organ], healthy="liver", shapes={"liver": points.shape("liver")})
    assert asked == ["lesion"]
    assert again.points_mm.tobytes() == points.points_mm.tobytes()
    assert again.shape("liver") is points.shape("liver")


def test_cells_are_fine_next_to_the_target_and_coarse_far_away() -> None:
    organ, target = organ_and_target()
    points = sample_points([target, organ])
    rows = points.rows("liver")
    away = np.linalg.norm(points.points_mm[rows] - [30, 45, 45], axis=1) - 10
    volume = points.volume_cc[rows] * 1000
    within = ~points.on_surface[rows]
    assert volume[within & (away > 0) & (away < 4)].max() < 1.1  # 1 mm cubes
    assert np.median(volume[within & (away > 30)]) == pytest.approx(64.0, rel=0.05)  # 4 mm cubes


def test_more_points_than_allowed_make_the_cells_coarser_and_say_so() -> None:
    _, target = organ_and_target()
    fine, coarse = sample_points([target], spacing_mm=0.5), sample_points([target], spacing_mm=0.5, max_points=5000)
    assert fine.spacing_mm[0] == 0.5
    assert coarse.spacing_mm[0] > 0.8
    assert (~coarse.on_surface).sum() <= 5000
    assert coarse.volume_cc.sum() == pytest.approx(target.volume_cc, rel=1e-12)


def test_same_input_same_bits() -> None:
    organ, target = organ_and_target()
    first, second = (sample_points([target, organ], healthy="liver") for _ in range(2))
    assert first.points_mm.tobytes() == second.points_mm.tobytes()
    assert first.volume_cc.tobytes() == second.volume_cc.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spacing_mm": 0.0}, "spacing_mm"),
        ({"spacing_mm": float("nan")}, "spacing_mm"),
        ({"max_points": 10}, "max_points"),
        ({"healthy": "spleen"}, "no structure is named 'spleen'"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sample_points(organ_and_target(), **options)  # type: ignore[arg-type]


def test_no_structures() -> None:
    with pytest.raises(InputError, match="at least one structure"):
        sample_points([])


def test_points_of_a_ball_lie_where_its_volume_is() -> None:
    # A cube that the surface cuts counts in the middle of its part inside: the mean square radius of a ball is 3/5 R^2.
    structure = solids.sphere(10.0).structure((1.0, 1.0, 1.0), np.array([0.0, 0.0, 1.0]), np.array([0.2, 0.1, -0.3]))
    points = sample_points([structure])
    square = float(points.volume_cc @ (points.points_mm**2).sum(axis=1)) / structure.volume_cc
    radius = (3000.0 * structure.volume_cc / (4 * np.pi)) ** (1 / 3)
    assert square == pytest.approx(0.6 * radius**2, rel=2e-3)


def test_the_smallest_volume_asked_for_is_hundreds_of_points_in_any_organ() -> None:
    # An organ that touches the target at its tip only: 1 mm cubes would be 100 points in D0.1cc.
    _, target = organ_and_target()
    grid, middle = target.grid, [30.0, 45.0, 45.0]
    bowel = (np.linalg.norm(grid.points_mm() - [62, 45, 45], axis=1) < 20).reshape(grid.shape_zyx)
    points = sample_points([target, Structure(name="bowel", role="OAR", grid=grid, mask_zyx=bowel)])
    rows = points.rows("bowel")
    away = np.linalg.norm(points.points_mm[rows] - middle, axis=1)
    volume = points.volume_cc[rows][np.argsort(away)]
    assert (volume[np.cumsum(volume) <= 0.1] > 0).sum() > 500
