"""Dwell times by the goals in their order, at every point, by the afterloader's rules."""
