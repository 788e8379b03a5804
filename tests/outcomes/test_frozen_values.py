"""Values of statistics come back as they were made: nobody can write into their arrays."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from hdrplan.outcomes import control_by_dose, cox, follow_up, intervals, kaplan_meier, log_rank, restricted_spline
from outcomes.reference_data import table

LUNG = table("lung")
ROWS = follow_up(LUNG.time, LUNG.status, cluster=np.arange(len(LUNG)) // 2)


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        kaplan_meier(ROWS),
        log_rank(ROWS, LUNG.sex),
        cox(ROWS, {"age": LUNG.age}),
        intervals([0.0, 3.0], [2.0, np.inf]),
        restricted_spline(LUNG.age),
        *control_by_dose(ROWS, LUNG.age, horizon=300.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_arrays_are_read_only(value) -> None:
    for field in fields(value):
        array = getattr(value, field.name)
        if isinstance(array, np.ndarray):
            assert not array.flags.writeable, field.name
