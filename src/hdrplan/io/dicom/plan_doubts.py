"""What a brachytherapy RT Plan states that changes the meaning of its doses: shields, walls, dates that do not fit."""

from __future__ import annotations

from collections.abc import Sequence

from hdrplan.cautions import Caution, caution
from hdrplan.io.dicom.plan_source import moment_of
from hdrplan.io.dicom.tags import Tags
from hdrplan.plan import SourceOfPlan
from hdrplan.sources import HALF_LIFE_DAYS

__all__ = ["doubts_of_dates", "doubts_of_shields"]

# Walls of plastic and steel needles let more than this pass: register, "shield-not-modelled".
_PASSES_FRAC = 0.99
# Register, "strength-dated-far".
_FAR_DAYS = 7.0
# DICOM has RT Plans since 1997 (supplement 11); anonymisers write years such as 1900 in place of dates.
_FIRST_YEAR = 1997


def doubts_of_shields(setups: Sequence[Tags]) -> list[Caution]:
    """Say where a plan holds shields or thick applicator walls, which TG-43 leaves out.

    Parameters
    ----------
    setups : sequence of Tags
        Of the ApplicationSetupSequence.
    """
    channels = [item for setup in setups for item in setup.items("ChannelSequence")]
    devices = [item for setup in setups for item in setup.items("BrachyAccessoryDeviceSequence")]
    shields = sum(item.text("BrachyAccessoryDeviceType", "").upper() == "SHIELD" for item in devices)
    shields += sum(len(item.items("ChannelShieldSequence")) for item in channels)
    walls = [item.number("SourceApplicatorWallNominalTransmission", 1.0) for item in channels]
    # 0 is written where nobody filled the field in: a wall that lets nothing pass is no applicator.
    thick = [wall for wall in walls if 0.0 < wall < _PASSES_FRAC]
    said = [f"{shields} shield{'s' if shields > 1 else ''}"] if shields else []
    said += [f"{len(thick)} applicator walls that let {min(thick):.0%} pass at worst"] if thick else []
    return [caution("shield-not-modelled", what=" and ".join(said))] if said else []


def doubts_of_dates(tags: Tags, source: SourceOfPlan) -> list[Caution]:
    """Say where the strength is of another time than the plan.

    Parameters
    ----------
    tags : Tags
        The plan.
    source : SourceOfPlan
    """
    planned, reference = moment_of(tags, "RTPlanDate", "RTPlanTime"), source.reference_time
    if planned is None or reference is None or min(planned, reference).year < _FIRST_YEAR:
        return []
    days = (reference - planned).total_seconds() / 86400.0
    if abs(days) < _FAR_DAYS:
        return []
    decay = 1.0 - 0.5 ** (abs(days) / HALF_LIFE_DAYS)
    side = "after" if days > 0 else "before"
    return [caution("strength-dated-far", reference=f"{reference:%Y-%m-%d}", days=abs(days), side=side, decay=decay)]
