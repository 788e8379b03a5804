"""Mistakes with catheters."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mistake import Shelf

from body_case import ORIGIN_MM, SPACING_MM, Array, Given

CATHETERS = Shelf("Catheters")


def change(given: Given, k: int, points: Array) -> None:
    given.catheters[k] = (given.catheters[k][0], np.asarray(points, dtype=float))


@CATHETERS("all catheters drawn from tip to hub", warns="catheter-hub-first")
def all_reversed(given: Given) -> None:
    given.catheters = [(name, points[::-1]) for name, points in given.catheters]


@CATHETERS("one of three catheters drawn from tip to hub", warns="catheter-hub-first")
def one_reversed(given: Given) -> None:
    change(given, 1, given.catheters[1][1][::-1])


@CATHETERS("drawn from tip to hub, both ends as far from the CTV", warns="catheter-tip-at-skin")
def reversed_both_ends_equal(given: Given) -> None:
    # Through the lesion and on: 50 mm beyond its far side, 50 mm before its near side.
    y, z = -10.0, 91.0
    change(given, 1, [[x, y, z] for x in np.linspace(-20.0, -143.0, 9)])


@CATHETERS("tips in the air: the catheters were pushed out on the other side", warns="catheter-tip-in-air")
def tip_in_air(given: Given) -> None:
    y, z = -10.0, 91.0
    change(given, 1, [[-70.0, yy, z] for yy in np.linspace(130.0, -105.0, 12)])
    change(given, 0, [[-80.0, y, z - 6], [-70.0, y, z - 6], [-60.0, y, z - 6]])
    given.catheters = [given.catheters[1]]


@CATHETERS("one catheter twice in the file", refuses="each catheter must occur once")
def doubled(given: Given) -> None:
    given.catheters.append(("cath_4", given.catheters[0][1]))


@CATHETERS("one catheter drawn twice, by two people", warns="catheters-doubled")
def drawn_twice(given: Given) -> None:
    given.catheters.append(("cath_4", given.catheters[0][1] + [0.3, 0.5, -0.6]))


@CATHETERS("one catheter as a curve and as a line", warns="catheters-doubled")
def curve_and_line(given: Given) -> None:
    points = given.catheters[0][1]
    given.catheters.append(("line", points[[0, -1]] + [0.0, 0.4, 0.4]))


@CATHETERS("two catheters exchanged where they pass each other", warns="catheters-cross")
def crossing(given: Given) -> None:
    first, second = given.catheters[0][1], given.catheters[2][1]
    change(given, 0, np.vstack((first[:4], second[4:])))
    change(given, 2, np.vstack((second[:4], first[4:])))


@CATHETERS("a point of another catheter among the points", warns="catheter-kinked")
def point_of_another(given: Given) -> None:
    points = given.catheters[1][1].copy()
    points[4] += [0.0, 14.0, -8.0]
    change(given, 1, points)


@CATHETERS("a sharp bend: the catheter seems broken", warns="catheter-kinked")
def broken(given: Given) -> None:
    change(given, 1, [[-72.0, -110.0, 91.0], [-72.0, -10.0, 91.0], [-95.0, -10.0, 91.0], [-112.0, -10.0, 91.0]])


@CATHETERS("points in the order of clicks, not along the catheter", refuses="turn back on itself")
def order_of_clicks(given: Given) -> None:
    change(given, 1, given.catheters[1][1][[0, 4, 2, 6, 1, 5, 3, 7]])


@CATHETERS("two catheters under one name, one after the other", refuses="turn back on itself")
def two_under_one_name(given: Given) -> None:
    change(given, 0, np.vstack((given.catheters[0][1], given.catheters[2][1])))


@CATHETERS("points sorted by another coordinate: a zig-zag", refuses="turn back on itself")
def sorted_by_y(given: Given) -> None:
    points = given.catheters[1][1] + np.random.default_rng(2).normal(0, 0.4, (8, 3))
    change(given, 1, points[np.argsort(points[:, 1])])


@CATHETERS("a catheter that curls up: the way is longer than between its ends", warns="catheter-zigzag")
def curled(given: Given) -> None:
    angle = np.linspace(-0.6 * np.pi, 0.75 * np.pi, 40)
    circle = np.column_stack((-80.0 - 20.0 * np.cos(angle), -10.0 + 20.0 * np.sin(angle), np.full(40, 91.0)))
    change(given, 1, circle)


@CATHETERS("positions in cm", refuses="mm long")
def centimetres(given: Given) -> None:
    given.catheters = [(name, points / 10.0) for name, points in given.catheters]


@CATHETERS("positions in m", refuses="mm long")
def metres(given: Given) -> None:
    given.catheters = [(name, points / 1000.0) for name, points in given.catheters]


@CATHETERS("RAS positions in a file that says LPS", refuses="RAS but says LPS")
def ras_as_lps(given: Given) -> None:
    given.catheters = [(name, points * [-1.0, -1.0, 1.0]) for name, points in given.catheters]


@CATHETERS("voxel indices instead of mm", refuses="catheter")
def indices(given: Given) -> None:
    given.catheters = [(name, (points - ORIGIN_MM) / SPACING_MM) for name, points in given.catheters]


@CATHETERS("a catheter of another lesion in the file", refuses="within 30 mm of a CTV")
def of_another_lesion(given: Given) -> None:
    given.catheters.append(("cath_4", given.catheters[0][1] + [0.0, 75.0, 40.0]))


@CATHETERS("tip and hub beyond the CT: the catheter file of another scan", refuses="catheter")
def of_another_scan(given: Given) -> None:
    given.catheters = [(name, points + np.array([0.0, 0.0, 400.0])) for name, points in given.catheters]


@CATHETERS("one point only", refuses="at least two points")
def one_point(given: Given) -> None:
    change(given, 0, given.catheters[0][1][:1])


@CATHETERS("the same point clicked twice", refuses="must differ")
def clicked_twice(given: Given) -> None:
    points = given.catheters[0][1]
    change(given, 0, np.vstack((points[:3], points[2:])))


@CATHETERS("two catheters of one name", refuses="names must differ")
def one_name(given: Given) -> None:
    given.catheters[1] = ("cath_1", given.catheters[1][1])


@CATHETERS("catheters of a scan in another position: through the spine", warns="catheter-through-organ")
def through_the_spine(given: Given) -> None:
    change(given, 1, [[x, 66.0 - 0.76 * (x + 5.0) * -1.0, 88.0] for x in np.linspace(22.0, -84.0, 9)])


@CATHETERS("a catheter drawn through stomach and liver", warns="catheter-through-organ")
def through_the_stomach(given: Given) -> None:
    change(given, 1, [[x, -30.0, 90.0] for x in np.linspace(140.0, -85.0, 12)])


def draw_in_ct(given: Given) -> None:
    """The CT of the puncture: catheters with wires in them are bright."""
    for _, points in given.catheters:
        along = np.linspace(points[0], points[-1], 200)
        x, y, z = np.rint((along - ORIGIN_MM) / SPACING_MM).astype(int).T
        given.ct[z, y, x] = 900


@CATHETERS("catheters one slice above those that the CT shows", warns="catheters-beside-traces")
def one_slice_off(given: Given) -> None:
    draw_in_ct(given)
    given.catheters = [(name, points + np.array([0.0, 0.0, 5.0])) for name, points in given.catheters]


@CATHETERS("catheters of a scan on which the patient lay a centimetre beside", warns="catheters-beside-traces")
def a_centimetre_beside(given: Given) -> None:
    draw_in_ct(given)
    given.catheters = [(name, points + np.array([0.0, -8.0, 5.0])) for name, points in given.catheters]


@CATHETERS("catheters drawn to a mark 20 mm before their tips", warns="catheters-end-short")
def ends_short(given: Given) -> None:
    given.catheters = [(name, points - [20.0, 0.0, 0.0]) for name, points in given.catheters]


@CATHETERS("catheters drawn 60 mm short: none reaches the CTV", warns="catheters-end-short")
def far_short(given: Given) -> None:
    given.catheters = [(name, points - [60.0, 0.0, 0.0]) for name, points in given.catheters]


@CATHETERS("the second of three catheters forgotten in the export", warns="catheter-number-missing")
def forgotten(given: Given) -> None:
    del given.catheters[1]


@CATHETERS("two catheters named C1 and c 1", warns="catheter-names-alike")
def names_alike(given: Given) -> None:
    given.catheters = [(name, points) for name, (_, points) in zip(("C1", "c 1", "C2"), given.catheters, strict=True)]


@CATHETERS("catheters 12 mm along z, on a CT that was taken before the puncture", warns="catheters-on-one-side")
def moved_along_z(given: Given) -> None:
    given.catheters = [(name, points + np.array([0.0, 0.0, 12.0])) for name, points in given.catheters]


@CATHETERS("catheters cut to their last two points", warns="catheter-begins-inside")
def last_two_points(given: Given) -> None:
    given.catheters = [(name, points[-2:]) for name, points in given.catheters]


@CATHETERS("one of four catheters passes the CTV at 18 mm", warns="catheter-misses-ctv")
def passes_the_ctv(given: Given) -> None:
    given.catheters.append(("cath_4", given.catheters[1][1] + [0.0, 0.0, 30.0]))


@CATHETERS("catheters mirrored front to back", warns="catheters-on-one-side")
def mirrored_front_to_back(given: Given) -> None:
    given.catheters = [(name, points * [1.0, -1.0, 1.0]) for name, points in given.catheters]


@CATHETERS("catheters of the other side of the body", warns="catheter-begins-inside")
def from_the_other_side(given: Given) -> None:
    given.catheters = [(name, points * [-1.0, 1.0, 1.0] - [150.0, 0.0, 0.0]) for name, points in given.catheters]


@CATHETERS("x and y exchanged in the table of points", refuses="within 30 mm of a CTV")
def x_and_y_exchanged(given: Given) -> None:
    given.catheters = [(name, points[:, [1, 0, 2]]) for name, points in given.catheters]


@CATHETERS("y and z exchanged in the table of points", refuses="within 30 mm of a CTV")
def y_and_z_exchanged(given: Given) -> None:
    given.catheters = [(name, points[:, [0, 2, 1]]) for name, points in given.catheters]


@CATHETERS("the tip of the first catheter pasted into all", warns="catheters-cross")
def one_tip_for_all(given: Given) -> None:
    tip = given.catheters[0][1][-1:]
    given.catheters = [(name, np.vstack((points[:-1], tip))) for name, points in given.catheters]


@CATHETERS("three catheters 1.5 mm apart: thinner than they are", warns="catheters-cross")
def thinner_than_catheters(given: Given) -> None:
    points = given.catheters[0][1]
    given.catheters = [(f"c{k}", points + np.array([0.0, 1.5 * k, 0.0])) for k in range(3)]


@CATHETERS("all catheters 15 mm to the back", warns="catheter-misses-ctv")
def to_the_back(given: Given) -> None:
    given.catheters = [(name, points + np.array([0.0, 15.0, 0.0])) for name, points in given.catheters]


@CATHETERS("hubs left out: the points begin 2 cm before the lesion", warns="catheter-begins-inside")
def hubs_left_out(given: Given) -> None:
    given.catheters = [(name, points[5:]) for name, points in given.catheters]


@CATHETERS("a first click far away from the catheter", warns="catheter-kinked")
def first_click_far_away(given: Given) -> None:
    name, points = given.catheters[0]
    given.catheters[0] = name, np.vstack((points[:1] + np.array([-5.0, 0.0, -170.0]), points))


@CATHETERS("the only catheter passes the CTV", warns="catheter-misses-ctv")
def only_one_that_misses(given: Given) -> None:
    given.catheters = [("c1", given.catheters[0][1] + np.array([0.0, -14.0, 0.0]))]


@CATHETERS("two catheters named 1 and 01", warns="catheter-names-alike")
def leading_zero(given: Given) -> None:
    given.catheters = [(name, points) for name, (_, points) in zip(("1", "01", "2"), given.catheters, strict=True)]


@CATHETERS("a catheter of which the last 4 mm were kept", refuses="10 to 2000 mm long")
def last_millimetres(given: Given) -> None:
    name, points = given.catheters[0]
    given.catheters = [(name, points[-1:] + np.array([[-4.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))]


@CATHETERS("a point that is no number", refuses="finite number")
def no_number(given: Given) -> None:
    given.catheters[0][1][3, 1] = np.nan


def markups(given: Given, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Give the catheters as curves of 3D Slicer, changed."""
    curves: list[dict[str, Any]] = [
        {
            "type": "Curve", "coordinateSystem": "LPS", "coordinateUnits": "mm", "name": name,
            "controlPoints": [
                {"position": [float(v) for v in point], "positionStatus": "defined"} for point in points
            ],
        }
        for name, points in given.catheters
    ]  # fmt: skip
    change(curves)
    given.table["catheters"] = "c.mrk.json"
    given.after.append(lambda folder: _write(folder / "c.mrk.json", {"markups": curves}))


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


@CATHETERS("a curve of Slicer whose tip was never placed", warns="catheter-point-left-out")
def tip_not_placed(given: Given) -> None:
    markups(given, lambda curves: curves[0]["controlPoints"][-1].update(position=[0, 0, 0], positionStatus="undefined"))


@CATHETERS("a point of a curve of Slicer marked as missing", warns="catheter-point-left-out")
def point_missing(given: Given) -> None:
    markups(given, lambda curves: curves[1]["controlPoints"][3].update(positionStatus="missing"))


@CATHETERS("a trial curve that was hidden in Slicer and not deleted", warns="catheter-hidden")
def hidden_curve(given: Given) -> None:
    markups(given, lambda curves: curves[1].update(display={"visibility": False}))


@CATHETERS("a bent catheter drawn in Slicer with three points", warns="catheter-bends-between")
def bent_between(given: Given) -> None:
    name, points = given.catheters[0]
    bent = np.array([points[0], points.mean(axis=0), points[-1]])
    bent[1, 2] += 12.0
    given.catheters[0] = name, bent
    markups(given, lambda curves: None)


@CATHETERS("curves of Slicer in cm", refuses="must be mm")
def markups_in_cm(given: Given) -> None:
    markups(given, lambda curves: curves[0].update(coordinateUnits="cm"))


@CATHETERS("a list of tips instead of curves", refuses="a catheter is a Curve or a Line")
def tips_alone(given: Given) -> None:
    markups(given, lambda curves: curves[0].update(type="Fiducial"))


@CATHETERS("a closed curve", refuses="a catheter is a Curve or a Line")
def closed_curve(given: Given) -> None:
    markups(given, lambda curves: curves[0].update(type="ClosedCurve"))


@CATHETERS("a curve that does not say whether it is LPS or RAS", refuses="LPS or RAS")
def no_system(given: Given) -> None:
    markups(given, lambda curves: curves[0].pop("coordinateSystem"))
