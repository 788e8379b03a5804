"""Figures that follow the colour scheme of their page."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest

from hdrplan.report.themed import FAINT, INK, SOFT, themed_svg


def drawn() -> str:
    def draw(axes) -> None:
        axes.axvline(0.5, color=SOFT)
        axes.grid()
        axes.set_xlabel("Dose (Gy)")

    return themed_svg(draw)


def test_a_figure_has_no_ground_and_the_same_bytes_each_time():
    svg = drawn()
    assert "#ffffff" not in svg
    for ink in (INK, SOFT, FAINT):
        assert f"stroke: {ink}" in svg.partition("</style>")[2]
    assert svg == drawn()


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "bright"), [("light", False), ("dark", True)])
def test_ink_is_dark_on_a_light_page_and_light_on_a_dark_one(chromium, scheme, bright):
    from PIL import Image

    page = chromium.new_page(viewport={"width": 640, "height": 480}, color_scheme=scheme)
    picture = base64.b64encode(drawn().encode()).decode()
    page.set_content(f"<body style='background:#7f7f7f;margin:0'><img src='data:image/svg+xml;base64,{picture}'>")
    page.wait_for_function("document.images[0].complete")
    grey = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L")).astype(int)
    page.close()
    # Ink has a grey of 33 on paper, and nothing on a dark screen is darker than its grid, 53.
    assert ((grey < 45).sum() > 100) is not bright
