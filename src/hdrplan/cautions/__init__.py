"""Warnings about input that is unusual but possible: values with stable ids in one register. Knows no files."""

from hdrplan.cautions.caution import Caution, Kind
from hdrplan.cautions.register import REGISTER, caution, each_once

__all__ = ["REGISTER", "Caution", "Kind", "caution", "each_once"]
