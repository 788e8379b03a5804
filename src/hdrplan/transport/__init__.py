"""Photon Monte Carlo: scattered dose of Ir-192 in voxels of any medium, and what leaves a capsule."""

from hdrplan.transport.emission import Emission, isotropic_ir192
from hdrplan.transport.kerma import Kerma
from hdrplan.transport.primary import Primary, base_masses, primary_kerma, primary_per_dwell
from hdrplan.transport.scatter import scatter
from hdrplan.transport.task import ScatterTask, Voxels, in_water

__all__ = [
    "Emission",
    "Kerma",
    "Primary",
    "ScatterTask",
    "Voxels",
    "base_masses",
    "in_water",
    "isotropic_ir192",
    "primary_kerma",
    "primary_per_dwell",
    "scatter",
]
