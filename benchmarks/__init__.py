"""Measurements that anyone can rerun; each module says how."""
