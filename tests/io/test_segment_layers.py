"""Segments in layers: each voxel of each layer is read once, and names come from the header alone."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from hdrplan.errors import FormatError, InputError
from hdrplan.io import image_files, read_segment_names, read_segmentation

# Name -> (label, layer); the last one is empty.
SEGMENTS = {"liver": (1, 0), "lesion": (1, 1), "spleen": (2, 0), "gone": (3, 1)}


@pytest.fixture
def layered(tmp_path):
    """Return a segmentation of two layers, and its values."""
    values = np.random.default_rng(7).integers(0, 3, (5, 6, 7, 2)).astype(np.uint8)
    image = sitk.GetImageFromArray(values, isVector=True)
    for k, (name, (label, layer)) in enumerate(SEGMENTS.items()):
        fields = {"ID": f"s{k}", "Name": name, "LabelValue": str(label), "Layer": str(layer)}
        for field, text in fields.items():
            image.SetMetaData(f"Segment{k}_{field}", text)
    path = tmp_path / "two.seg.nrrd"
    sitk.WriteImage(image, str(path), useCompression=True)
    return path, values


def test_segments_of_layers_are_the_voxels_of_their_labels(layered):
    path, values = layered
    wanted = {"spleen": "OAR", "elsewhere": "OAR", "lesion": "CTV", "liver": "OAR", "gone": "other"}
    found = read_segmentation(path, wanted, optional=["gone"])
    assert [(s.name, s.role) for s in found] == [("spleen", "OAR"), ("lesion", "CTV"), ("liver", "OAR")]
    for structure in found:
        label, layer = SEGMENTS[structure.name]
        z, y, x = np.nonzero(values[..., layer] == label)
        expected = np.stack((x, y, z), axis=1).astype(float)
        assert np.array_equal(structure.voxels_mm, expected)  # spacing 1, origin 0


def test_a_wanted_segment_without_a_voxel_is_refused(layered):
    with pytest.raises(InputError, match="'gone' must have voxels"):
        read_segmentation(layered[0], {"liver": "OAR", "gone": "other"})


def test_names_are_read_without_the_voxels(layered, monkeypatch):
    monkeypatch.setattr(image_files, "_opened_by_itk", None)  # reads the voxels
    assert read_segment_names(layered[0]) == tuple(SEGMENTS)


def test_names_of_a_damaged_header_are_refused_in_one_sentence(layered):
    path = layered[0]
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(FormatError, match=r"readable image|header"):
        read_segment_names(path)
