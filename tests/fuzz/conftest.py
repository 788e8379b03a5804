"""The fuzzer builds its good files with the makers of the io tests."""

from __future__ import annotations

import sys
from pathlib import Path

# pytest puts only the folder of each test file on the path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "io"))
