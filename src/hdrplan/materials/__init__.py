"""Materials: the medium and density of every voxel, from CT and labels, for model-based dose. Knows no files."""

from hdrplan.materials.codes import DENSITY_UNIT_G_PER_CC, voxel_codes
from hdrplan.materials.media import Medium, media, medium
from hdrplan.materials.photons import PhotonData, photon_data

__all__ = ["DENSITY_UNIT_G_PER_CC", "Medium", "PhotonData", "media", "medium", "photon_data", "voxel_codes"]
