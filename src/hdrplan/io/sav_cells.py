"""Print an SPSS file as JSON: run as a process of its own, ``python -P sav_cells.py FILE [ENCODING]``.

The reader is compiled code, and some damaged files end its process (59 of 3,000 with four bytes changed, pyreadstat
1.3.7): so the process that ends is this one.
"""

from __future__ import annotations

import datetime as dt
import json
import sys

_MAX_MEMORY_BYTES = 4 << 30
# A file of a kilobyte can claim more rows than any memory holds.
_MAX_CELLS = 50_000_000


def main() -> None:
    """Print ``{"columns": {name: cells}, "words": {name: [[code, word], ...]}}``, or ``{"refused": reason}``."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        pass  # Windows has no such limit
    import pyreadstat

    file, encoding = sys.argv[1], next(iter(sys.argv[2:]), None)
    try:
        _, claims = pyreadstat.read_sav(file, output_format="dict", encoding=encoding, metadataonly=True)
        if (claims.number_rows or 0) * claims.number_columns > _MAX_CELLS:
            raise ValueError(f"{claims.number_rows} rows x {claims.number_columns}, more than {_MAX_CELLS} cells")
        data, about = pyreadstat.read_sav(file, output_format="dict", encoding=encoding)
    except Exception as error:  # whatever it is, the parent says it
        json.dump({"refused": str(error)}, sys.stdout)
        return
    words = {name: list(labels.items()) for name, labels in about.variable_value_labels.items()}
    json.dump({"columns": data, "words": words}, sys.stdout, default=_day)


def _day(value: object) -> str:
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


if __name__ == "__main__":
    main()
