"""Warnings: what is odd but can be true, as values with stable ids; the register lists every kind. Know no files."""

from hdrplan.cautions.caution import Caution, Kind
from hdrplan.cautions.register import REGISTER, caution, each_once

__all__ = ["REGISTER", "Caution", "Kind", "caution", "each_once"]
