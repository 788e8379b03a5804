"""Everything that can be doubted about a case, in the order in which a person reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain

from hdrplan.cautions import Caution
from hdrplan.geometry import Catheter, Structure, Volume
from hdrplan.plausibility.anatomy import doubts_of_anatomy, doubts_of_tissue, doubts_of_volumes
from hdrplan.plausibility.catheters import doubts_of_catheters
from hdrplan.plausibility.edges import doubts_of_edges
from hdrplan.plausibility.exchanges import doubts_of_extents
from hdrplan.plausibility.images import doubts_of_ct
from hdrplan.plausibility.implants import doubts_of_implants
from hdrplan.plausibility.lesions import doubts_of_lesions
from hdrplan.plausibility.pieces import doubts_of_pieces
from hdrplan.plausibility.slices import doubts_of_slices
from hdrplan.plausibility.targets import doubts_of_structures, doubts_of_targets
from hdrplan.plausibility.traces import doubts_of_traces
from hdrplan.threads import over_each

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
    asked: list[Callable[[], Iterable[Caution]]] = []
    if ct is not None:
        asked += [
            partial(doubts_of_ct, ct, where=where),
            partial(doubts_of_tissue, structures, ct),
            partial(doubts_of_volumes, structures, ct),
            partial(doubts_of_lesions, structures, ct),
            partial(doubts_of_edges, structures, ct),
            partial(doubts_of_extents, structures, ct),
        ]
    asked += [
        partial(doubts_of_anatomy, structures, ct),
        partial(doubts_of_structures, structures),
        partial(doubts_of_targets, structures, healthy),
        partial(doubts_of_slices, structures, ct),
        partial(doubts_of_pieces, structures),
        partial(doubts_of_catheters, catheters, structures, ct, where=where),
        partial(doubts_of_implants, catheters, structures, ct),
        partial(doubts_of_traces, catheters, ct),
    ]
    return tuple(chain.from_iterable(over_each(lambda doubts: tuple(doubts()), asked)))
