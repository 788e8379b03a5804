"""Loops over arrays, compiled by Numba: TG-43, grids, bounds, rays. Knows numbers only, no files and no text."""
