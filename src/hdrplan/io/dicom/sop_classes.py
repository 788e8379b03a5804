"""UIDs of the kinds of DICOM objects that are read and written (PS3.6 annex A)."""

from __future__ import annotations

from hdrplan.errors import FormatError
from hdrplan.io.dicom.tags import Tags

__all__ = [
    "BRACHY_RECORD",
    "CT_IMAGE",
    "ENHANCED_CT",
    "LABEL_MAP",
    "RT_DOSE",
    "RT_PLAN",
    "RT_STRUCTURE_SET",
    "SEGMENTATION",
    "other_class",
]

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
BRACHY_RECORD = "1.2.840.10008.5.1.4.1.1.481.6"
# Segments as the values of one image (supplement 243).
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"

_KINDS = {
    CT_IMAGE: "a CT image",
    ENHANCED_CT: "an enhanced CT",
    RT_DOSE: "an RT Dose",
    RT_STRUCTURE_SET: "an RT Structure Set",
    RT_PLAN: "an RT Plan",
    SEGMENTATION: "a Segmentation",
    LABEL_MAP: "a Label Map Segmentation",
    BRACHY_RECORD: "a treatment record",
}


def other_class(tags: Tags, name: str, uid: str) -> FormatError:
    """Return the error of a file that is another kind of object than it was named as.

    Parameters
    ----------
    tags : Tags
    name, uid : str
        Of the kind that it should be.
    """
    got = tags.text("SOPClassUID")
    kind = f"{_KINDS[got]} ({got})" if got in _KINDS else got
    remedy = f"Look at the order of the files: this one is given as the {name}."
    return tags.error("SOPClassUID", f"{name} ({uid})", kind, remedy)
