"""Which treatment a finished one is: a stopped run goes on only with what has not changed since."""

from __future__ import annotations

from collections.abc import Sequence

from hdrplan.edition import edition
from hdrplan.io import Pseudonyms, Treatment, states_of
from hdrplan.workflow.archive_mask import files_of

__all__ = ["TreatmentIds"]


class TreatmentIds:
    """Ids of an archive's treatments, made once: a file that changes while the run reads splits none.

    Another file of the treatment, one that was changed, or another program makes it another treatment.

    Parameters
    ----------
    treatments : sequence of Treatment
    names : Pseudonyms
        An id names nobody.
    """

    def __init__(self, treatments: Sequence[Treatment], names: Pseudonyms) -> None:
        self._of = {treatment.plan.absolute(): _id(treatment, names) for treatment in treatments}

    def __getitem__(self, treatment: Treatment) -> str:
        return self._of[treatment.plan.absolute()]


def _id(treatment: Treatment, names: Pseudonyms) -> str:
    where = treatment.plan.absolute().as_posix()  # a plan may lie in an archive twice
    return names.plan("\0".join((edition(), treatment.uid, where, states_of(files_of(treatment)))))
