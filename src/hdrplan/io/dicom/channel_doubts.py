"""What is odd about the channels of a plan, each said once for all channels that share it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from hdrplan.cautions import Caution, caution
from hdrplan.io.dicom.tags import Tags
from hdrplan.plan import Channel

__all__ = ["doubts_of_channels", "doubts_of_numbers"]

# Register, "channel-axes-uncertain".
_UNCERTAIN_DEG = 10.0
_LISTED = 6
_WORDS = {"neighbours": "the neighbouring dwells", "path": "the path", "path by place": "the path"}


def doubts_of_numbers(items: Sequence[Tags], channels: Sequence[Channel]) -> list[Caution]:
    """Say where channels have no number, or two of one application setup have the same.

    Parameters
    ----------
    items : sequence of Tags
        Of the ChannelSequence.
    channels : sequence of Channel
        What was read of them, in the same order.
    """
    numbered = [channel for item, channel in zip(items, channels, strict=True) if item.has("ChannelNumber")]
    twice = [n for (_, n), k in Counter((c.setup_number, c.number) for c in numbered).items() if k > 1]
    missing = len(items) - len(numbered)
    said = [f"{missing} of {len(items)} without one"] * (missing > 0) + [f"number {n} more than once" for n in twice]
    return [caution("channel-numbers-unclear", why=", ".join(said[:_LISTED]))] if said else []


def doubts_of_channels(channels: Sequence[Channel], totals_s: Sequence[float]) -> list[Caution]:
    """Say which channels leave tip or axis open, and which hold time beyond their dwells.

    Parameters
    ----------
    channels : sequence of Channel
    totals_s : sequence of float
        ChannelTotalTime of each.
    """
    doubts = []
    loaded = [channel for channel in channels if len(channel.times_s)]
    for how in dict.fromkeys(channel.axis_from for channel in loaded if not channel.tip_known):
        unknown = [channel for channel in loaded if not channel.tip_known and channel.axis_from == how]
        doubts.append(caution("channel-tip-unknown", channels=_listed(unknown), how=how))
    by_place = [channel for channel in loaded if channel.axis_from == "path by place"]
    if by_place:
        doubts.append(caution("channel-path-by-place", channels=_listed(by_place)))
    rough = [channel for channel in loaded if _uncertain(channel).any()]
    for how in dict.fromkeys(channel.axis_from for channel in rough):
        same = [channel for channel in rough if channel.axis_from == how]
        told = {
            "channels": _listed(same),
            "count": sum(int(_uncertain(channel).sum()) for channel in same),
            "largest_deg": max(float(np.nanmax(channel.axis_error_deg)) for channel in same),
        }
        if how == "orientation":
            doubts.append(caution("channel-orientation-against-dwells", **told))
        else:
            doubts.append(caution("channel-axes-uncertain", **told, how=_WORDS.get(how, how)))
    moving = [
        (channel, total_s - float(channel.times_s.sum()))
        for channel, total_s in zip(channels, totals_s, strict=True)
        if total_s - float(channel.times_s.sum()) > 1e-3 * max(total_s, 1.0)
    ]
    if moving:
        channels_moving = _listed([channel for channel, _ in moving])
        doubts.append(
            caution("transit-without-dose", channels=channels_moving, moving_s=sum(seconds for _, seconds in moving))
        )
    return doubts


def _uncertain(channel: Channel) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(np.nan_to_num(channel.axis_error_deg) > _UNCERTAIN_DEG)


def _listed(channels: Sequence[Channel]) -> str:
    numbers = [str(channel.number) for channel in channels]
    more = f" and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else ""
    return f"channel{'s' if len(numbers) > 1 else ''} {', '.join(numbers[:_LISTED])}{more}"
