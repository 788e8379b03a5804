"""Make this folder's data: python phantoms/sphere/make.py. Nothing is random."""

from pathlib import Path

from hdrplan.geometry import phantom
from hdrplan.io import write_phantom

write_phantom(Path(__file__).parent, phantom("sphere"), source="gammamed-12i", strength_u=40700.0)
