"""Everything that can be doubted about a case, in the order in which a person reads it."""

from __future__ import annotations

from collections.abc import Sequence

from hdrplan.cautions import Caution
from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.plausibility.anatomy import doubts_of_anatomy, doubts_of_tissue, doubts_of_volumes
from hdrplan.plausibility.catheters import doubts_of_catheters
from hdrplan.plausibility.edges import doubts_of_edges
from hdrplan.plausibility.exchanges import doubts_of_extents
from hdrplan.plausibility.images import doubts_of_ct
from hdrplan.plausibility.implants import doubts_of_implants
from hdrplan.plausibility.lesions import doubts_of_lesions
from hdrplan.plausibility.slices import doubts_of_slices
from hdrplan.plausibility.targets import doubts_of_structures, doubts_of_targets
from hdrplan.plausibility.traces import doubts_of_traces

__all__ = ["doubts_of_anatomy_and_catheters"]


def doubts_of_anatomy_and_catheters(
    ct: Volume | None,
    structures: Sequence[Structure],
    catheters: Sequence[Catheter],
    healthy: str | None,
    *,
    where: object = None,
) -> tuple[Caution, ...]:
    """Say what is odd about images, structures and catheters together.

    Parameters
    ----------
    ct : Volume or None
        HU.
    structures : sequence of Structure
    catheters : sequence of Catheter
    healthy : str or None
        The organ that is spared around the CTVs.
    where : object
        What messages name.

    Raises
    ------
    InputError
        What cannot be right: a CT that is none, one catheter twice, a catheter that turns back on itself.
    """
    of_ct: list[Caution] = []
    if ct is not None:
        of_ct += [*doubts_of_ct(ct, where=where), *doubts_of_tissue(structures, ct), *doubts_of_volumes(structures, ct)]
        of_ct += [*doubts_of_lesions(structures, ct), *doubts_of_edges(structures, ct)]
        of_ct += doubts_of_extents(structures, ct)
    return (
        *of_ct,
        *doubts_of_anatomy(structures, ct),
        *doubts_of_structures(structures),
        *doubts_of_targets(structures, healthy),
        *doubts_of_slices(structures, ct),
        *doubts_of_catheters(catheters, structures, ct, where=where),
        *doubts_of_implants(catheters, structures, ct),
        *doubts_of_traces(catheters, ct),
    )
