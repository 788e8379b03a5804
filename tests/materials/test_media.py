"""The table of media: rows against figures printed beside them."""

import math

import pytest

from hdrplan.errors import InputError
from hdrplan.materials import Medium, media, medium

# Z and A of the elements in the table (CIAAW 2021, abridged).
_ELEMENTS = {
    "H": (1, 1.008), "C": (6, 12.011), "N": (7, 14.007), "O": (8, 15.999), "Na": (11, 22.990), "Mg": (12, 24.305),
    "P": (15, 30.974), "S": (16, 32.06), "Cl": (17, 35.45), "Ar": (18, 39.95), "K": (19, 39.098), "Ca": (20, 40.078),
    "Fe": (26, 55.845),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "z_over_a"),
    [
        ("water", 0.55508), ("air", 0.49919), ("adipose", 0.55579), ("blood", 0.54999), ("cortical_bone", 0.51478),
        ("lung", 0.55048), ("muscle", 0.55000), ("soft_tissue", 0.54996),
    ],
)  # fmt: skip
def test_the_ratio_of_z_and_a_is_that_of_the_nist_table(name: str, z_over_a: float) -> None:
    # NISTIR 5632 table 2 prints Z/A of each row: a fraction that was mistyped changes it. Its masses are of 1986.
    computed = sum(w * _ELEMENTS[symbol][0] / _ELEMENTS[symbol][1] for symbol, w in medium(name).mass_fractions)
    assert math.isclose(computed, z_over_a, abs_tol=3e-5)


def test_every_row_has_a_source_and_those_without_a_check_say_so() -> None:
    assert all(row.source for row in media().values())
    assert {row.name for row in media().values() if not row.checked} == {"tumour", "liver_with_iodine"}


def test_liver_with_iodine_is_liver_and_two_thousandths_of_iodine() -> None:
    mixed = dict(medium("liver_with_iodine").mass_fractions)
    assert mixed.pop("I") == 0.002
    assert mixed == pytest.approx({symbol: 0.998 * w for symbol, w in medium("liver").mass_fractions}, abs=1e-6)


def test_an_unknown_medium_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="cortical_bone"):
        medium("cortical bone")


def test_fractions_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(InputError, match="add up to 1"):
        Medium(name="x", density_g_per_cc=1.0, mass_fractions=(("H", 0.1), ("O", 0.8)), source="nobody")
