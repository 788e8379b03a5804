"""The table of agreement with R in docs/reference/statistics.md holds, and lists what is measured."""

from outcomes.agreement import BEGIN, END, PAGE, rows


def test_every_difference_is_within_its_tolerance_and_in_the_table():
    table = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    listed = {
        tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in table.splitlines() if line.startswith("|")
    }
    by_name = {cells[0]: cells for cells in listed}
    measured = list(rows())
    for row in measured:
        assert row.difference <= row.tolerance, row
        cells = by_name[row.quantity]
        assert cells[2] == row.data
        assert float(cells[4]) == row.tolerance
        # Another machine may round otherwise; a table that promises too much is false.
        assert row.difference <= 100 * float(cells[3].split()[1]), (
            "write it again: PYTHONPATH=src:tests python -m outcomes.agreement"
        )
    assert set(by_name) - {"quantity", "---"} == {row.quantity for row in measured}
