"""Slow twins: what a kernel or a metric must return, written from its published formula or its definition.

Plain Python and NumPy, one point, voxel or set at a time. Nothing here imports :mod:`hdrplan.kernels`, and nothing was
written by reading one: tables and constants come in as plain arrays, and where a formula can be had in two ways (the
geometry factor as an angle or as a mean over the core), the twin takes the other one.
"""
