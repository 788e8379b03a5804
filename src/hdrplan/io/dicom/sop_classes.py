"""UIDs of the kinds of DICOM objects that are read and written (PS3.6 annex A)."""

from __future__ import annotations

__all__ = ["CT_IMAGE", "ENHANCED_CT", "RT_DOSE", "RT_PLAN", "RT_STRUCTURE_SET", "SEGMENTATION"]

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
