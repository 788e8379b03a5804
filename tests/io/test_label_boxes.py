"""Labels are found in one pass, whatever their numbers and the type of their voxels."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from hdrplan.errors import InputError
from hdrplan.geometry import cropped_structure
from hdrplan.io.label_maps import read_label_map


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "float32"])
def test_structures_are_those_of_one_comparison_for_each(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    numbers = [1, 2, 9, 200] + ([-3] if kind[0] != "u" else []) + ([70_000] if kind in ("int32", "float32") else [])
    values = np.zeros((9, 12, 11), dtype=kind)
    for number in numbers:
        low = rng.integers(0, 6, size=3)
        block = values[tuple(slice(k, k + 3) for k in low)]
        block[rng.random(block.shape) < 0.8] = number
    image = sitk.GetImageFromArray(values)
    image.SetOrigin((-31.0, 5.0, 2.0))
    image.SetSpacing((0.9, 1.1, 3.0))
    sitk.WriteImage(image, str(tmp_path / "labels.nrrd"))
    names = {f"s{number}": number for number in numbers if (values == number).any()}
    (tmp_path / "labels.json").write_text(json.dumps(names))
    read = read_label_map(tmp_path / "labels.nrrd", tmp_path / "labels.json", dict.fromkeys(names, "OAR"))
    assert [structure.name for structure in read] == list(names)
    grid = read[0].grid
    whole = type(grid)(shape_zyx=values.shape, origin_mm=[-31.0, 5.0, 2.0], spacing_mm=[0.9, 1.1, 3.0])
    for structure in read:
        expected = cropped_structure(structure.name, "OAR", whole, values == names[structure.name])
        assert np.array_equal(structure.mask_zyx, expected.mask_zyx)
        assert np.allclose(structure.grid.origin_mm, expected.grid.origin_mm, atol=1e-9)


def test_a_label_without_a_voxel_is_refused_or_left_out(tmp_path: Path) -> None:
    values = np.zeros((4, 5, 6), dtype=np.uint8)
    values[1:3, 2:4, 3:5] = 1
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "labels.nrrd"))
    (tmp_path / "labels.json").write_text(json.dumps({"liver": 1, "spleen": 2}))
    paths, wanted = (tmp_path / "labels.nrrd", tmp_path / "labels.json"), dict.fromkeys(("liver", "spleen"), "OAR")
    with pytest.raises(InputError, match="'spleen' must have voxels"):
        read_label_map(*paths, wanted)
    assert [structure.name for structure in read_label_map(*paths, wanted, optional=("spleen",))] == ["liver"]
