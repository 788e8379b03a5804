"""Photon Monte Carlo: scattered dose of Ir-192 in voxels of any medium, and what leaves a capsule."""

from hdrplan.transport.capsule import Bodies, KermaShells, Solid, kerma_shells, leaving, primary_kerma_gy
from hdrplan.transport.emission import Emission, air_kerma_gy_cm2, emission_names, isotropic_ir192, load_emission
from hdrplan.transport.factor import (
    RIM_VOXELS,
    Correction,
    MeanCorrection,
    correction_at,
    jackknife_error,
    mean_correction,
)
from hdrplan.transport.kerma import Kerma
from hdrplan.transport.primary import Primary, base_masses, primary_in_media, primary_kerma
from hdrplan.transport.scatter import scatter
from hdrplan.transport.sources import capsule_bodies, capsule_names, iridium_lines
from hdrplan.transport.task import ScatterTask, Voxels, in_water

__all__ = [
    "RIM_VOXELS",
    "Bodies",
    "Correction",
    "Emission",
    "Kerma",
    "KermaShells",
    "MeanCorrection",
    "Primary",
    "ScatterTask",
    "Solid",
    "Voxels",
    "air_kerma_gy_cm2",
    "base_masses",
    "capsule_bodies",
    "capsule_names",
    "correction_at",
    "emission_names",
    "in_water",
    "iridium_lines",
    "isotropic_ir192",
    "jackknife_error",
    "kerma_shells",
    "leaving",
    "load_emission",
    "mean_correction",
    "primary_in_media",
    "primary_kerma",
    "primary_kerma_gy",
    "scatter",
]
