"""Warnings about catheters: direction, shape, and two at one place."""

from __future__ import annotations

from hdrplan.cautions.caution import Kind

__all__ = ["CATHETERS"]

CATHETERS = (
    Kind(
        id="catheter-hub-first",
        sentence="{name}: its first point is nearer to the CTV than its last; is the hub first?",
        remedy="Reverse its points: hub first, tip last.",
        why="Dwells are counted from the tip: with reversed points, all of them are in the wrong place.",
    ),
    Kind(
        id="catheter-tip-at-skin",
        sentence="{name}: its last point is nearer to the skin ({tip_mm:.0f} mm) than its first ({hub_mm:.0f} mm); is "
        "the hub first?",
        remedy="Reverse its points: hub first, tip last.",
        why="A catheter comes from outside. Used where both ends are equally near to the CTV.",
    ),
    Kind(
        id="catheter-tip-in-air",
        sentence="{name}: its tip lies outside the body",
        remedy="Check hub and tip, and that catheters and CT come from one scan.",
        why="The CT shows air there that is joined to the air around the patient.",
    ),
    Kind(
        id="catheter-through-organ",
        sentence="{name}: {mm:.1f} mm of it lie in {organ}",
        remedy="Look at it in the CT: a puncture to know about, or catheters and structures that are not of one scan.",
        why="Bone, lung, bowel, stomach, gallbladder, heart, great vessels and cord are not punctured on purpose. "
        "Structures of the files count also without a role in the case; shorter ways than 2 mm, a voxel, graze a "
        "surface. Positions of catheters are accurate to 5 to 6 mm (Luedemann 2011, Radiat Oncol 6:107).",
    ),
    Kind(
        id="catheters-doubled",
        sentence="{first} and {second} are the same catheter: nowhere more than {mm:.1f} mm apart",
        remedy="Leave one of them out.",
        why="Two 6F catheters, 2 mm wide, cannot be at one place over their whole length. Given below 1.5 mm; equal "
        "points are refused.",
    ),
    Kind(
        id="catheters-cross",
        sentence="{first} and {second} come within {mm:.1f} mm of each other, less than a catheter's width",
        remedy="Look at both: were they exchanged where they pass each other?",
        why="A 6F catheter is 2 mm wide (1 French is 1/3 mm): their axes cannot be nearer than that.",
    ),
    Kind(
        id="catheter-kinked",
        sentence="{name}: bends to a radius of {radius_mm:.0f} mm, {at_mm:.0f} mm from its tip",
        remedy="Look for a misplaced point, or a point of another catheter.",
        why="Measured on chords of 10 mm, so that jitter of single points does not count. Given below a radius of 10 "
        "mm: the source's rigid capsule of 5 mm and its cable must pass.",
    ),
    Kind(
        id="catheter-zigzag",
        sentence="{name}: the path along its points is {factor:.1f} times as long as the distance between its ends",
        remedy="Put its points in order from hub to tip.",
        why="Points sorted by a coordinate, or two catheters under one name. Given from 1.5 on: a half circle has "
        "1.57. A path that turns back by more than 135 degrees is refused.",
    ),
    Kind(
        id="traced-metal",
        sentence="{name}: brighter than plastic along most of its way",
        remedy="Is it a guide wire or a needle? Leave it out unless a wire lies in a catheter.",
        why="More than 1000 HU in the middle, blurred by the scanner: steel and nitinol, not plastic with barium.",
    ),
    Kind(
        id="traced-leaves-scan",
        sentence="{name}: begins inside the body where it is last seen, not at the skin",
        remedy="Look at its way to the skin; positions from the tip are not affected.",
        why="A catheter comes from outside. Its way may leave the scan, or be hidden by bone.",
    ),
    Kind(
        id="catheters-beside-traces",
        sentence="the CT shows catheters {mm:.1f} mm beside those of the file: moved by "
        "({x:.1f}, {y:.1f}, {z:.1f}) mm, {share:.0%} of their points lie on lines of the CT",
        remedy="Draw them again on this CT, or find the slice, series or frame that they were drawn on.",
        why="A catheter is a line brighter or darker by 100 HU than what lies 5 mm beside it on all sides. Given where "
        "fewer than 25 % of the points lie on lines as they were drawn, and one displacement of all catheters, at most "
        "12 mm along each axis, brings 60 % on them: on a CT without catheters no displacement brought more than "
        "5 %, on one with them at least 80 % (liver of lesion B, 1.5 and 5 mm). On a CT that was taken before the "
        "puncture nothing can be said.",
    ),
    Kind(
        id="catheters-end-short",
        sentence="{ctv} reaches {mm:.0f} mm on beyond the tips of all its catheters",
        remedy="Check whether their last points are the tips, and the offset of the first dwell.",
        why="Catheters pass through a lesion to its far side. Given where every catheter that is in the CTV, or "
        "points at it from less than 100 mm away, would have 10 mm and more to go to its far side; `plan` refuses "
        "those that end more than 5 mm before it.",
    ),
    Kind(
        id="catheters-on-one-side",
        sentence="all catheters of {ctv} pass {mm:.0f} mm or more beside its middle, moved by "
        "({x:.0f}, {y:.0f}, {z:.0f}) mm; it reaches {half_mm:.0f} mm there",
        remedy="Look at the catheters on the CT: moved, or drawn on another scan? If they lie so, expect a long time.",
        why="Seen along the catheters, the middle of a CTV lies among them or near to one. Given where the smallest "
        "polygon around all of them stays more than 6 mm and 45 % of the CTV's reach in that direction away: needles "
        "are placed to 5 to 6 mm (Luedemann 2011, Radiat Oncol 6:107).",
    ),
    Kind(
        id="catheter-misses-ctv",
        sentence="{name} passes every CTV at {mm:.0f} mm",
        remedy="Leave it out if it is of another lesion; look at it on the CT otherwise.",
        why="A catheter is placed for a CTV, to 5 to 6 mm (Luedemann 2011, Radiat Oncol 6:107). Given from 10 mm on; "
        "one that is more than 30 mm away is refused.",
    ),
    Kind(
        id="catheter-begins-inside",
        sentence="{name}: its first point lies {mm:.0f} mm below the skin",
        remedy="Draw it from the skin on, or check that no points were lost.",
        why="A catheter comes from outside: its way to the skin tells tip from hub, what it passes, and whether points "
        "were lost. Given from 30 mm on, where the CT shows the air around the patient.",
    ),
    Kind(
        id="catheter-number-missing",
        sentence="catheters are numbered {first} to {last}, but {missing} is not there",
        remedy="Check whether it was forgotten in the export; nothing needs to be done if it was left out on purpose.",
        why="Numbers at the ends of otherwise equal names count the catheters of a session.",
    ),
    Kind(
        id="traced-on-one-tube",
        sentence="{first} and {second} come within {mm:.1f} mm of each other: two catheters cannot",
        remedy="Look at both in the picture: one may go over to the other; trace it by `click` on either side.",
        why="A 6F catheter is 2 mm wide. Given below 1.5 mm between their middles.",
    ),
    Kind(
        id="traced-short",
        sentence="{name} ends after {mm:.0f} mm in the body, the others after {usual_mm:.0f} mm",
        remedy="Look for its tip in the picture: bone may hide its way; trace it by `click` deeper in.",
        why="Given below 0.6 of the median of the others: catheters of one implant end near each other, in the lesion.",
    ),
    Kind(
        id="traced-tip-unclear",
        sentence="where {name} ends is not clear: its tip is known to {mm:.0f} mm, standard uncertainty, only",
        remedy="Look at the red line in the picture, and move the tip in 3D Slicer if the tube goes on or ends before.",
        why="Given from 2 mm on: along bone and lung a tube may not stand out of what is beside it.",
    ),
    Kind(
        id="catheter-point-left-out",
        sentence="{name}: {count} of {total} points have no position and are left out{last}",
        remedy="Place them in 3D Slicer, or delete them there if they are none.",
        why="positionStatus is undefined or missing: the point was never placed, or somebody said that it cannot be "
        "seen. A catheter without its last point ends before its tip.",
    ),
    Kind(
        id="catheter-hidden",
        sentence="{count} of {total} catheters are hidden in 3D Slicer and planned with all the same: {names}",
        remedy="Delete them there if they are trials, or show them.",
        why="Curves that were hidden one by one are often those that shall not count.",
    ),
    Kind(
        id="catheter-bends-between",
        sentence="{name}: the curve of 3D Slicer runs up to {mm:.1f} mm beside the straight lines between its points",
        remedy="Resample the curve there to points 5 mm apart, or place more points.",
        why="Slicer draws a smooth curve through the control points, hdrplan joins them by straight lines. Given from "
        "1 mm: at 10 mm the dose of a dwell changes by a fifth in a millimetre.",
    ),
    Kind(
        id="catheter-names-alike",
        sentence="the catheters {first} and {second} differ in capitals, blanks, signs or leading zeros of their "
        "names alone",
        remedy="Number them: channels of the afterloader are connected by these names.",
        why="Names are read aloud and typed again when catheters are connected.",
    ),
)
