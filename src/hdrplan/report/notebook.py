"""Results for notebooks: figures as matplotlib objects, tables as pandas frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hdrplan import __version__
from hdrplan.errors import InputError
from hdrplan.metrics import DVH
from hdrplan.plan import Plan
from hdrplan.report.figures import FIGURES
from hdrplan.report.plan import report_data
from hdrplan.report.tables import structure_rows
from hdrplan.workflow import PlanResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["plot", "to_frame"]


def plot(result: PlanResult, kind: str = "overview") -> Figure:
    """Draw a plan as the report does.

    Parameters
    ----------
    result : PlanResult
    kind : {"isodose", "dvh", "catheters", "overview"}

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        Another kind.
    """
    if kind not in FIGURES:
        raise InputError(f"kind must be one of {', '.join(FIGURES)}", got=repr(kind))
    return FIGURES[kind](report_data(result, {"versions": {"hdrplan": __version__}}))


def to_frame(value: PlanResult | Plan | DVH) -> pd.DataFrame:
    """Return a result as a pandas frame; pandas is not installed with hdrplan.

    Parameters
    ----------
    value : PlanResult, Plan or DVH
        A result gives one row a structure with the columns of metrics.json, a plan one row a dwell position, a DVH its
        staircase.

    Raises
    ------
    InputError
        pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise InputError("to_frame needs pandas", got="none installed", remedy="pip install pandas") from None
    if isinstance(value, DVH):
        return pd.DataFrame({"dose_gy": value.dose_gy, "cumulative_cc": value.cumulative_cc})
    if isinstance(value, Plan):
        dwells = value.dwells
        x_mm, y_mm, z_mm = dwells.positions_mm.T
        return pd.DataFrame(
            {
                "catheter": np.array(dwells.catheter_names)[dwells.catheter],
                "offset_mm": dwells.offset_mm,
                "x_mm": x_mm,
                "y_mm": y_mm,
                "z_mm": z_mm,
                "time_s": value.times_s,
            }
        )
    return pd.DataFrame.from_dict(structure_rows(value), orient="index").rename_axis("structure")
