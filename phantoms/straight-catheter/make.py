"""Make this folder's data: python phantoms/straight-catheter/make.py. Nothing is random."""

from pathlib import Path

from hdrplan.geometry import phantom
from hdrplan.io import write_phantom

write_phantom(Path(__file__).parent, phantom("straight-catheter"), source="gammamed-12i", strength_u=40700.0)
