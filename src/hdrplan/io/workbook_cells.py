"""Print the cells of a workbook as JSON: run as a process of its own, ``python -P workbook_cells.py FILE``.

The reader is compiled code. On a damaged file it can panic, or ask for more memory than there is and end the process:
so the process that ends is this one.
"""

from __future__ import annotations

import json
import sys

_MAX_MEMORY_BYTES = 2 << 30


def main() -> None:
    """Print ``[[[cell, ...], ...], ...]``: sheets, rows, cells from A1 on."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        pass  # Windows has no such limit
    from python_calamine import CalamineWorkbook  # MIT; reads .xls and .xlsx, runs no macros

    with CalamineWorkbook.from_path(sys.argv[1]) as book:
        sheets = [book.get_sheet_by_index(i).to_python(skip_empty_area=False) for i in range(len(book.sheet_names))]
    # Dates and times are no numbers of a source: as text they are passed over.
    json.dump(sheets, sys.stdout, default=str)


if __name__ == "__main__":
    main()
