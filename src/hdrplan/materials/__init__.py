"""Materials: the medium and density of every voxel, from CT and labels, for model-based dose. Knows no files."""

from hdrplan.materials.assign import assign_media, body_structure
from hdrplan.materials.codes import DENSITY_UNIT_G_PER_CC, voxel_codes
from hdrplan.materials.map import MediaMap, MediumShare, uniform_map
from hdrplan.materials.media_table import Medium, media, medium
from hdrplan.materials.photons import PhotonData, photon_data
from hdrplan.materials.rules import LabelRule, MediaRules, TissueRule, default_rules, rules_of

__all__ = [
    "DENSITY_UNIT_G_PER_CC",
    "LabelRule",
    "MediaMap",
    "MediaRules",
    "Medium",
    "MediumShare",
    "PhotonData",
    "TissueRule",
    "assign_media",
    "body_structure",
    "default_rules",
    "media",
    "medium",
    "photon_data",
    "rules_of",
    "uniform_map",
    "voxel_codes",
]
