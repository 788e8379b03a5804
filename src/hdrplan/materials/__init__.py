"""Materials: the medium and density of every voxel, from CT and labels, for model-based dose. Knows no files."""

from hdrplan.materials.media import Medium, media, medium

__all__ = ["Medium", "media", "medium"]
