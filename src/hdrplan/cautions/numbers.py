"""Warnings about goals, prescriptions, the source and its strength."""

from __future__ import annotations

from hdrplan.cautions.caution import Kind

__all__ = ["NUMBERS"]

NUMBERS = (
    Kind(
        id="goal-not-applied",
        sentence="goal {goal} not applied: no structure {structure!r}{meant}",
        remedy="Check the spelling, or leave the goal out.",
        why="A protocol lists organs that one case may not have; a misspelt name would lose its limit.",
    ),
    Kind(
        id="tables-doubted",
        sentence="the cohort's tables have the warning {rule} ({count} times)",
        remedy="List them with `hdrplan cohort validate`.",
        why="Each names table, row and remedy there; what is certainly wrong is an error and ends the run.",
    ),
    Kind(
        id="sheet-doubted",
        sentence="sheet {sheet}: {got}",
        remedy="Look at the sheet. {remedy}",
        why="What a spreadsheet shows is not what the workbook holds: a filter hides rows, which are read too; "
        "a sheet claims another range than that of its cells, which are all read.",
    ),
    Kind(
        id="bounded-source",
        sentence="the data of {source} are for a water sphere of {radius_cm:g} cm radius: beyond {holds_cm:g} cm from "
        "the source its doses are too low, by {low_10cm:.0f} % at 10 cm and {low_far:.0f} % beyond 14 cm",
        remedy="For planning use {instead}.",
        why="A small phantom scatters less back than a patient. The data suit checks of systems that use them.",
    ),
    Kind(
        id="prescription-unusual",
        sentence="{structure}: {dose_gy:g} Gy is prescribed",
        remedy="Check the number; prescriptions are one fraction, in Gy.",
        why="Published prescriptions of liver lesions in one fraction are 10 to 25 Gy (Ricke 2004; Mohnike 2010; "
        "Walter 2021). Given below 8 and above 30 Gy. Outside 1 to 100 Gy is refused.",
    ),
    Kind(
        id="goal-sense",
        sentence="{structure}: {goal} has the wrong direction{because}",
        remedy="Exchange >= and <=.",
        why="A CTV's coverage has minima, an organ at risk has maxima. Upper limits on V150, V200 or D50 of a CTV are "
        "fine.",
    ),
    Kind(
        id="goal-against-prescription",
        sentence="{structure}: {goal} cannot hold beside the prescription of {dose_gy:g} Gy",
        remedy="Check the structure that the limit is for.",
        why="The whole CTV shall receive at least its prescription, and the tissue that touches it receives nearly as "
        "much: an upper limit below that, on the CTV or on the hottest 1 cc of the organ around it, excludes "
        "it. So does one below twice the prescription on Dmax or D0.1cc of the CTV: sources stand in it, and give 25 "
        "times as much at 2 mm as at 10 mm.",
    ),
    Kind(
        id="goal-out-of-range",
        sentence="{structure}: {goal} is far outside the usual range{hint}",
        remedy="Check number and unit (Gy, %, cc, s).",
        why="Organ limits in use lie between 2 Gy (means) and 30 Gy (single fraction: 14 Gy D1cc stomach, Mohnike "
        "2016; 23 Gy skin, PMC3247184); given outside 0.5 to 60 Gy, and for stomach, bowel and spinal cord above 25 "
        "Gy, which only limits of many fractions exceed. Treatments took 844 to 4432 s (Luedemann 2011); "
        "given outside 60 s to 4 h, for doses to less than 0.01 cc, and for a volume of the liver below 5 %: limits "
        "in use are 33 to 66 %.",
    ),
    Kind(
        id="goal-cannot-bind",
        sentence="{structure}: {goal} holds for every plan{because}",
        remedy="Check the number: it has no effect.",
        why="A volume above that of the structure, a limit of 100 % and more, or a mean dose of 25 Gy and more.",
    ),
    Kind(
        id="goal-fraction",
        sentence="{structure}: {goal}: was a fraction written instead of percent?",
        remedy="Write {percent:g} % if so.",
        why="V100 >= 0.95 % asks for a hundredth of what V100 >= 95 % does; D0.98 is the dose of 0.98 % of the volume.",
    ),
    Kind(
        id="goal-in-percent",
        sentence="{structure}: {goal} counts in percent ({said})",
        remedy="Write {meant} if that was meant.",
        why="Limits of organs are doses in Gy and volumes in cc: V100 is the volume at the dose that is prescribed, "
        "V100Gy that at 100 Gy; D1 the dose of 1 % of the organ, D1cc that of 1 cc. Given for organs, and up to D10.",
    ),
    Kind(
        id="goal-level-skipped",
        sentence="{structure}: {goal} has priority {level}, the next before it is {below}",
        remedy="Check the level: 0 is a hard limit, 1 the most important wish.",
        why="Levels follow each other. Given where four and more are left out; the order alone counts.",
    ),
    Kind(
        id="goal-implied",
        sentence="{structure}: {goal} has no effect beside {by}",
        remedy="Were the two numbers exchanged?",
        why="The dose of a larger volume is smaller, and the volume at a higher dose: D0.1cc <= 10 Gy leaves D1cc <= "
        "14 Gy without effect. Given where the stricter goal has at least the other's priority.",
    ),
    Kind(
        id="goals-exclude",
        sentence="{structure}: {first} and {second} cannot both hold",
        remedy="Check both numbers and signs.",
        why="A minimum above a maximum of the same quantity, or of one that is never smaller.",
    ),
    Kind(
        id="goal-twice",
        sentence="{structure}: {metric} has two limits of one priority, {first} and {second}",
        remedy="Leave one of them out.",
        why="Two limits on one quantity of one priority: only the stricter one acts.",
    ),
    Kind(
        id="strength-unusual",
        sentence="the source has {strength_u:,.0f} U, {ci:.2f} Ci apparent{hint}",
        remedy="Check number and unit: 1 U = 1 cGy cm2/h = 1 uGy m2/h.",
        why="A new 10 Ci source has 40,700 U, and two half-lives (148 days) later 10,175 U; sources are exchanged "
        "every three months. Given below two half-lives of 10 Ci and above 15 Ci (61,050 U).",
    ),
    Kind(
        id="source-for-pdr",
        sentence="{source} is a source for pulsed dose rate, and the strength is that of an HDR source",
        remedy="Choose the source of your HDR afterloader; `hdrplan sources list` shows them.",
        why="PDR sources have a tenth of the strength and a shorter core (GammaMed PDR 0.5 mm, HDR 3.5 mm); their "
        "anisotropy differs. Given from 10,175 U on, a 10 Ci source after two half-lives.",
    ),
    Kind(
        id="calibration-far",
        sentence="the source is decayed over {days:.0f} days",
        remedy="Check year, month and day of calibration and treatment.",
        why="Sources are exchanged every three months; given beyond two half-lives (148 days) and for a treatment "
        "more than 30 days before the calibration.",
    ),
    Kind(
        id="healthy-not-named",
        sentence="no organ is named as `healthy`, although {name} is drawn",
        remedy='Add healthy = "{name}", so that its mean dose is minimised.',
        why="Without it a plan minimises the total time, and nothing spares the organ around the CTVs.",
    ),
    Kind(
        id="goal-above-prescription",
        sentence="{structure}: {goal} is {factor:.1f} times the prescription of {dose_gy:g} Gy",
        remedy="Check which of the two is meant; a dose to the whole CTV is its prescription.",
        why="D90 and more of a CTV cover nearly all of it. Given from 1.5 times the prescription on.",
    ),
    Kind(
        id="goal-below-prescription",
        sentence="{structure}: {goal} asks for less than the prescription of {dose_gy:g} Gy",
        remedy="Check which of the two is meant: the whole CTV is planned to its prescription.",
        why="The prescription is a minimum for every voxel of the CTV; a smaller minimum dose has no effect. It often "
        "stands where the prescription should have been lowered, or one of the two is of another protocol.",
    ),
    Kind(
        id="case-without-limits",
        sentence="no goal limits the dose to an organ at risk, although {names} are drawn",
        remedy="Add goals with the limits of your protocol; without them nothing but the healthy organ is spared.",
        why="Organs at risk are recorded but not protected unless a goal names them. Given where stomach, bowel, "
        "spinal cord, heart, gallbladder or kidneys are organs at risk and no organ has an upper limit.",
    ),
    Kind(
        id="hollow-organ-without-limit",
        sentence="no goal limits the dose to {name}{because}",
        remedy="Add a goal such as D1cc <= 14 Gy with its source, or take it out of the roles on purpose.",
        why="Above 14 Gy to 1 ml of the wall of stomach and bowel ulcers form (Mohnike 2016, Strahlenther Onkol "
        "192:288). Given for every hollow organ within 40 mm of a CTV, and for those farther away that the case calls "
        "organs at risk: 20 Gy at the surface of a lesion of 50 mm fall to about 3 Gy within 40 mm, by the square of "
        "the distance.",
    ),
    Kind(
        id="limit-not-of-hottest",
        sentence="{structure}: {goal} and no other goal leaves the hottest part of it without a limit",
        remedy="Add a goal such as D1cc <= 14 Gy or D0.1cc with its source.",
        why="Stomach, bowel and spinal cord are harmed where the dose is highest (Mohnike 2016, Strahlenther Onkol "
        "192:288, for the stomach's wall): a mean, a minimum or the dose to more than a tenth of the organ allows any "
        "hot spot.",
    ),
    Kind(
        id="organ-not-at-risk",
        sentence="{name} has the role other: no table shows its dose unless a goal names it",
        remedy='Give it the role "OAR".',
        why="Role other is for what a plan shall not look at, such as a lesion of another session. Given for stomach, "
        "bowel and spinal cord.",
    ),
    Kind(
        id="tip-offset-small",
        sentence="the first dwell lies {mm:g} mm behind the drawn tip, less than half of the source's core of "
        "{core_mm:g} mm",
        remedy="Use the distance from the catheter's outer end to the source's centre; keep this one only if the last "
        "points drawn are dwell positions and not tips.",
        why="The core of a source whose centre is nearer to the tip than half its length would stand out of the "
        "catheter.",
    ),
    Kind(
        id="dwells-unusual",
        sentence="{what} of {value:g} {unit}",
        remedy="Check the number: step, tip offset and margin are in mm, times in s.",
        why="Given for a step above 10 mm, where the dose between two dwells sags; for a first dwell more than 20 mm "
        "behind the drawn tip, four capsules of 5 mm; and for dwells more than 20 mm outside the CTVs, which treat the "
        "way of the needle; for a step below 1 mm, which no afterloader in use makes; for dwells that must last over "
        "10 s, or may not last 5 s: 40,700 U give 7.5 Gy a minute at 10 mm.",
    ),
)
