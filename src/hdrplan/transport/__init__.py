"""Photon Monte Carlo: scattered dose of Ir-192 in voxels of any medium, and what leaves a capsule."""
