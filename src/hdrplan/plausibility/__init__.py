"""Whether a case and a plan can be right: checks that warn or refuse, and cost a fraction of a plan. Know no files."""

from hdrplan.plausibility.case import doubts_of_anatomy_and_catheters
from hdrplan.plausibility.goals import doubts_of_goals
from hdrplan.plausibility.plans import doubts_of_dwells, doubts_of_plan
from hdrplan.plausibility.sample import sampled_mm
from hdrplan.plausibility.strength import doubts_of_strength

__all__ = [
    "doubts_of_anatomy_and_catheters",
    "doubts_of_dwells",
    "doubts_of_goals",
    "doubts_of_plan",
    "doubts_of_strength",
    "sampled_mm",
]
