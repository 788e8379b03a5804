"""The trade-off command on the smallest phantom."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

from hdrplan.cli.pareto import command
from hdrplan.errors import InputError
from hdrplan.io import read_plan


@pytest.fixture
def arguments(small_phantoms):
    case = small_phantoms / "liver-lesion-b-5mm"
    assert (case / "case.toml").is_file()
    return [str(case), "--axis", "lesion_B:D100=16..20/3", "--axis", "time=750..950/2"]


def test_folder_holds_table_picture_and_page(arguments, tmp_path):
    out = tmp_path / "out"
    result = CliRunner().invoke(command, [*arguments, "-o", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "each proven" in result.output
    rows = list(csv.DictReader((out / "pareto.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 6
    done = [row for row in rows if row["possible"] == "True"]
    assert done
    for row in done:
        value, bound = float(row["mean dose of liver_gy"]), float(row["proven at least_gy"])
        assert bound <= value <= bound * (1 + 1e-6)
        # The check of the surface allows a limit to be passed by a ten-thousandth.
        assert float(row["total time_s"]) <= float(row["total time limit_s"]) * (1 + 1e-4)
    page = (out / "pareto.html").read_text(encoding="utf-8")
    data = json.loads(page.split('id="report-data">')[1].split("</script>")[0])
    assert len(data["times_s"]) == 6
    # What the page saves is a plan.json that can be read again.
    plan = data["plan"]
    chosen = next(t for t in data["times_s"] if t is not None)
    for dwell, time_s in zip(plan["dwells"], chosen, strict=True):
        dwell["time_s"] = time_s
    plan["total_time_s"] = sum(chosen)
    plan["trak_gy"] = plan["strength"]["value_u"] * 1e-6 * sum(chosen) / 3600
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    read = read_plan(tmp_path / "plan.json")
    assert np.allclose(read.times_s, chosen)


def test_bad_axes_leave_nothing(small_phantoms, tmp_path):
    case = str(small_phantoms / "liver-lesion-b-5mm")
    for text in ("lesion_B=15..20/3", "lesion_B:D100=15/3"):
        with pytest.raises(InputError):
            CliRunner().invoke(command, [case, "--axis", text, "-o", str(tmp_path / "no")], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []
