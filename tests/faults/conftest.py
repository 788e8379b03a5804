"""These tests use the small case of the io tests."""

from __future__ import annotations

import sys
from pathlib import Path

# pytest puts only the folder of each test file on the path.
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("io", "fuzz")]
