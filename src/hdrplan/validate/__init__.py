"""The validation dossier: acceptance tests that users run on their own installation and plans.

Each file is one section and gives rows: what was compared, with which truth, how, to which tolerance, what came out.
The truths share nothing with the code they judge: published tables, closed formulas, another solver, searches, R,
another path through the files.
"""

from hdrplan.validate.dossier import SECTIONS, Section, dossier
from hdrplan.validate.plan_dossier import plan_dossier
from hdrplan.validate.row import Row, State

__all__ = ["SECTIONS", "Row", "Section", "State", "dossier", "plan_dossier"]
