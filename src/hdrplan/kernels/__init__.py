"""Loops over arrays, compiled by Numba: TG-43, grids, bounds, rays. Know numbers only: no files, no text."""
