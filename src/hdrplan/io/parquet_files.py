"""Parquet files as text."""

from __future__ import annotations

from pathlib import Path

from hdrplan.errors import FormatError, ResourceError
from hdrplan.io.cell_text import cell_text
from hdrplan.io.files import existing_file

__all__ = ["read_parquet"]

# A Parquet file of a kilobyte can claim more rows than any memory holds.
MAX_CELLS = 50_000_000


def read_parquet(path: Path) -> dict[str, tuple[str, ...]]:
    """Read a Parquet file as text by column.

    Raises
    ------
    FormatError
        No Parquet file, or a damaged one.
    ResourceError
        More cells than a table can have.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    existing_file(path)
    try:
        claims = pq.read_metadata(path)
        if claims.num_rows * claims.num_columns > MAX_CELLS:
            raise ResourceError(
                f"a Parquet file of at most {MAX_CELLS} cells",
                got=f"{claims.num_rows} rows x {claims.num_columns} columns",
                where=path,
            )
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise FormatError("expected a Parquet file", got=str(error)[:120], where=path) from None
    names = table.column_names
    if len(set(names)) < len(names):
        raise FormatError("each column needs a name of its own", got=", ".join(names)[:120], where=path)
    return {name: tuple(cell_text(v) for v in table.column(i).to_pylist()) for i, name in enumerate(names)}
