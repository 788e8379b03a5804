"""Photon Monte Carlo: scattered dose of Ir-192 in voxels of any medium, and what leaves a capsule."""

from hdrplan.transport.emission import Emission, isotropic_ir192
from hdrplan.transport.factor import RIM_VOXELS, Correction, correction_at, jackknife_error, mean_correction
from hdrplan.transport.kerma import Kerma
from hdrplan.transport.primary import Primary, base_masses, primary_kerma, primary_per_dwell
from hdrplan.transport.scatter import scatter
from hdrplan.transport.task import ScatterTask, Voxels, in_water

__all__ = [
    "RIM_VOXELS",
    "Correction",
    "Emission",
    "Kerma",
    "Primary",
    "ScatterTask",
    "Voxels",
    "base_masses",
    "correction_at",
    "in_water",
    "isotropic_ir192",
    "jackknife_error",
    "mean_correction",
    "primary_kerma",
    "primary_per_dwell",
    "scatter",
]
