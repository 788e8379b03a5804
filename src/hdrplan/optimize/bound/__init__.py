"""Bounds of plans whose dose-volume goals bind: branch and bound over regions of plans."""
