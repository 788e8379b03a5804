"""Pixel data of DICOM images, uncompressed or compressed."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from hdrplan.io.dicom.tags import Tags
from hdrplan.io.noise import without_noise

__all__ = ["stored_pixels"]

_OF_PIXELS = (
    "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation", "PixelData",
)  # fmt: skip


def stored_pixels(tags: Tags, shape: tuple[int, int, int]) -> npt.NDArray[Any]:
    """Return the stored pixel values of a monochrome image, (frames, rows, columns), as integers.

    Raises
    ------
    FormatError
        Another length than the header says, colour, a compression without its plugin.
    """
    import pydicom

    dataset = tags.dataset
    bits, stored = tags.whole("BitsAllocated"), tags.whole("BitsStored", tags.whole("BitsAllocated"))
    if tags.whole("SamplesPerPixel", 1) != 1:
        raise tags.error("SamplesPerPixel", "1", tags.whole("SamplesPerPixel"))
    if bits not in (8, 16, 32) or not 0 < stored <= bits:
        raise tags.error("BitsAllocated", "8, 16 or 32, and BitsStored at most that", (bits, stored))
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    syntax = pydicom.uid.UID(str(syntax or pydicom.uid.ImplicitVRLittleEndian))
    if not syntax.is_transfer_syntax:
        raise tags.error("TransferSyntaxUID", "a known transfer syntax", repr(str(syntax))[:70])
    sign = tags.whole("PixelRepresentation", 0)
    if sign not in (0, 1):
        raise tags.error("PixelRepresentation", "0 or 1", sign)
    kind = f"{'ui'[sign]}{bits // 8}"
    raw = dataset.get("PixelData")
    if not isinstance(raw, bytes) or not raw:
        raise tags.error("PixelData", "there", "none")
    if not syntax.is_compressed:
        need = int(np.prod(shape)) * bits // 8
        if len(raw) not in (need, need + need % 2):
            raise tags.error("PixelData", f"{need} bytes ({' x '.join(map(str, shape))} of {bits} bits)", len(raw))
        order = "<" if syntax.is_little_endian else ">"
        return _of_stored_bits(np.frombuffer(raw[:need], dtype=f"{order}{kind}"), bits - stored).reshape(shape)
    try:
        values = np.asarray(dataset.pixel_array)
    except Exception:  # decoders raise what they like
        values = _decoded_by_itk(tags, str(syntax.name).split(",")[0])
    if values.size != int(np.prod(shape)):
        raise tags.error("PixelData", f"{int(np.prod(shape))} pixels", values.size)
    # Decoders differ: signed values of 12 bits in JPEG-LS come without their sign.
    return _of_stored_bits(values.astype(kind), bits - stored).reshape(shape)


def _of_stored_bits(values: npt.NDArray[Any], above: int) -> npt.NDArray[Any]:
    """Return values without the bits above those stored, which may hold overlays: shifted out, and the sign in."""
    return np.asarray(np.right_shift(np.left_shift(values, above), above)) if above else values


def _decoded_by_itk(tags: Tags, compression: str) -> npt.NDArray[Any]:
    """Decode what pydicom has no permissive decoder for: JPEG of all kinds, lossless ones as archives keep CTs.

    ITK reads files alone, so it gets one of the pixels and what describes them: nothing of the patient, no rescaling.
    """
    import SimpleITK as sitk  # noqa: N813 (its own documentation's name)
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import SecondaryCaptureImageStorage

    bare = Dataset()
    for keyword in _OF_PIXELS:
        if keyword in tags.dataset:
            bare[keyword] = tags.dataset[keyword]
    bare.SOPClassUID, bare.SOPInstanceUID = SecondaryCaptureImageStorage, "2.25.1"
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = tags.dataset.file_meta.TransferSyntaxUID
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pixels.dcm"
        try:
            bare.save_as(path, enforce_file_format=True)
            with without_noise():
                return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(path))))
        except (RuntimeError, ValueError, AttributeError, OSError):
            raise tags.error(
                "PixelData",
                f"decodable ({compression})",
                "damaged or unknown data",
                "Export the images uncompressed (Explicit VR Little Endian).",
            ) from None
