"""A small patient made of ellipsoids, as files, for tests of what people do wrong with real ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813

from hdrplan.io.toml_text import toml_text

SPACING_MM = np.array([4.0, 4.0, 5.0])
SHAPE_ZYX = (36, 60, 84)
ORIGIN_MM = np.array([-166.0, -118.0, 0.0])
NAMES = {
    "liver": 1, "lesion": 2, "spleen": 3, "stomach": 4, "kidney_right": 5, "kidney_left": 6, "spinal_cord": 7,
    "vertebrae": 8, "lungs": 9, "duodenum": 10,
}  # fmt: skip
_HU = {
    "liver": 60, "lesion": 40, "spleen": 50, "stomach": 20, "kidney_right": 30, "kidney_left": 30, "spinal_cord": 30,
    "vertebrae": 420, "lungs": -800, "duodenum": 20,
}  # fmt: skip

Array = npt.NDArray[Any]


def _ball(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Array:
    z, y, x = np.meshgrid(*(np.arange(n) for n in SHAPE_ZYX), indexing="ij")
    at = np.stack((x, y, z), axis=-1) * SPACING_MM + ORIGIN_MM
    return (((at - np.array(centre)) / np.array(radii)) ** 2).sum(axis=-1) <= 1.0


def _anatomy() -> tuple[Array, Array]:
    """CT and labels of a patient who lies on the back."""
    long = 1e4
    labels = np.zeros(SHAPE_ZYX, dtype=np.uint8)
    body = _ball((0, 0, 90), (150, 100, long))
    for name, parts in {
        "lungs": [((-70, 0, 190), (55, 65, 55)), ((70, 0, 190), (55, 65, 55))],
        "liver": [((-75, -5, 85), (60, 65, 48))],
        "spleen": [((95, 25, 95), (28, 30, 35))],
        "stomach": [((60, -40, 90), (32, 28, 35))],
        "duodenum": [((20, -35, 60), (16, 16, 22))],
        "kidney_right": [((-60, 55, 25), (24, 22, 32))],
        "kidney_left": [((60, 55, 30), (24, 22, 32))],
        "vertebrae": [((0, 62, 90), (22, 20, long))],
        "spinal_cord": [((0, 68, 90), (8, 8, long))],
        "lesion": [((-80, -10, 85), (16, 16, 16))],
    }.items():
        for centre, radii in parts:
            labels[_ball(centre, radii) & body] = NAMES[name]
    ct = np.full(SHAPE_ZYX, -1000, dtype=np.int16)
    ct[body] = -95
    for name, value in NAMES.items():
        ct[labels == value] = _HU[name]
    # Muscle and skin, so that organs do not lie in fat alone.
    ct[body & ~_ball((0, 0, 90), (143, 93, long))] = 30
    noise = np.random.default_rng(1).normal(0.0, 12.0, SHAPE_ZYX)
    return (ct + noise).astype(np.int16), labels


_CT, _LABELS = _anatomy()


@dataclass
class Given:
    """What a user gives, open to mistakes; :meth:`write` makes the files of it."""

    ct: Array = field(default_factory=lambda: _CT.copy())
    labels: Array = field(default_factory=lambda: _LABELS.copy())
    ct_name: str = "ct.nii.gz"
    labels_name: str = "labels.nii.gz"
    ct_header: dict[str, Array] = field(default_factory=dict)
    labels_header: dict[str, Array] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=lambda: dict(NAMES))
    catheters: list[tuple[str, Array]] = field(default_factory=lambda: straight_catheters())
    table: dict[str, Any] = field(default_factory=lambda: _table())
    after: list[Callable[[Path], None]] = field(default_factory=list)

    def mask(self, name: str) -> Array:
        """Voxels of a structure."""
        return np.asarray(self.labels == self.names[name])

    def write(self, folder: Path) -> Path:
        """Write the case folder."""
        folder.mkdir(parents=True, exist_ok=True)
        write_image(folder / self.ct_name, self.ct, self.ct_header)
        write_image(folder / self.labels_name, self.labels, self.labels_header)
        (folder / "labels.json").write_text(json.dumps({str(v): k for k, v in self.names.items()}))
        rows = [{"name": name, "hub_to_tip_mm_lps": np.asarray(points).tolist()} for name, points in self.catheters]
        (folder / "catheters.json").write_text(json.dumps(rows))
        table = {"ct": self.ct_name, "structures": [{"file": self.labels_name, "names": "labels.json"}]} | self.table
        (folder / "case.toml").write_text(toml_text(table), encoding="utf-8")
        for change in self.after:
            change(folder)
        return folder


def straight_catheters() -> list[tuple[str, Array]]:
    """Three catheters from the right side, hub outside the body, through the lesion."""
    return [
        (f"cath_{k}", np.array([[x, y, z] for x in np.linspace(-155.0, -62.0, 8)]))
        for k, (y, z) in enumerate([(-18.0, 81.0), (-10.0, 91.0), (-2.0, 81.0)], start=1)
    ]


def _table() -> dict[str, Any]:
    organs = [name for name in NAMES if name != "lesion"]
    return {
        "name": "body",
        "catheters": "catheters.json",
        "healthy": "liver",
        "roles": {"lesion": "CTV"} | dict.fromkeys(organs, "OAR"),
        "prescription_gy": {"lesion": 20.0},
        "source": {"name": "gammamed-12i", "strength_u": 40700.0},
        "goals": [
            {"structure": "stomach", "goal": "D1cc <= 14 Gy", "source": "doi"},
            {"structure": "spinal_cord", "goal": "D0.35cc <= 10 Gy", "source": "doi"},
            {"structure": "duodenum", "goal": "D1cc <= 14 Gy", "source": "doi"},
            {"structure": "liver", "goal": "V10Gy <= 40 %", "source": "protocol", "level": 1},
        ],
    }


def write_image(path: Path, values: Array, header: dict[str, Array]) -> None:
    image = sitk.GetImageFromArray(values)
    image.SetOrigin(header.get("origin", ORIGIN_MM).tolist())
    image.SetSpacing(header.get("spacing", SPACING_MM).tolist())
    image.SetDirection(header.get("direction", np.eye(3)).ravel().tolist())
    sitk.WriteImage(image, str(path), True)
