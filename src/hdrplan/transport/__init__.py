"""Photon Monte Carlo: scattered dose of Ir-192 in voxels of any medium, and what leaves a capsule."""

from hdrplan.transport.emission import Emission, isotropic_ir192
from hdrplan.transport.kerma import Kerma
from hdrplan.transport.scatter import scatter
from hdrplan.transport.task import ScatterTask, Voxels, in_water

__all__ = ["Emission", "Kerma", "ScatterTask", "Voxels", "in_water", "isotropic_ir192", "scatter"]
