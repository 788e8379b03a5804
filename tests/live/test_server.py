"""The server of a live session: it answers its own page, and nobody else."""

from __future__ import annotations

import html
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from served import TOKEN, Served

from hdrplan.dose import dose_at_points
from hdrplan.geometry import Grid
from hdrplan.live import Session, show
from small_case import write_small_case


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_case(tmp_path_factory.mktemp("notebook") / "case")


def test_the_address_opens_the_page_once_and_a_cookie_stands_for_it(served: Served) -> None:
    status, headers, _ = served.ask("GET", f"/?token={TOKEN}", Cookie="")
    assert status == 303
    assert headers["location"] == "/"
    assert "HttpOnly" in headers["set-cookie"]
    assert "SameSite=strict" in headers["set-cookie"]
    status, headers, page = served.ask("GET", "/")
    assert status == 200
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    text = page.decode()
    assert "connect-src &#39;self&#39;" in text
    assert TOKEN not in text
    assert "Research use only" in text


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Host": "evil.example"}, "another host"),
        ({"Host": "localhost:80"}, "another host"),
        ({"Origin": "http://evil.example"}, "another page"),
        ({"Origin": "null"}, "another page"),
        ({"Origin": ""}, "another page"),
        ({"Cookie": ""}, "no token"),
        ({"Cookie": "hdrplan-1=a-token-of-this-test"}, "no token"),
        ({"Cookie": "hdrplan-PORT=guess"}, "no token"),
        ({"Cookie": "hdrplan-PORT=\xe4"}, "no token"),
    ],
)
def test_strangers_are_refused_and_nothing_changes(served: Served, headers: dict[str, str], why: str) -> None:
    before, port = served.session.wishes, served.host.rpartition(":")[2]
    headers = {name: value.replace("PORT", port) for name, value in headers.items()}
    body = json.dumps({"action": "prescribe", "arguments": {"ctv": "lesion", "dose_gy": 30}}).encode()
    status, _, said = served.ask("POST", "/api/do", body, **headers)
    assert status == 403
    assert why in said.decode()
    assert served.session.wishes is before


@pytest.mark.parametrize("path", ["/api/dose", "/", "/solid"])
def test_nothing_is_read_without_the_token(served: Served, path: str) -> None:
    assert served.ask("GET", path, Cookie="")[0] == 403
    assert served.ask("GET", f"{path}?token=guess", Cookie="")[0] == 403


@pytest.mark.parametrize(
    "path", ["/../case.toml", "/%2e%2e/case.toml", "/api/../../etc/passwd", "/case.toml", "/api/none"]
)
def test_no_file_is_served(served: Served, path: str) -> None:
    assert served.ask("GET", path)[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("do", b"{", "a request must be a JSON object"),
        ("do", b"[1]", "a request must be a JSON object"),
        ("do", b"\xff\xfe", "a request must be a JSON object"),
        ("do", b"{}", "action must be a printable text"),
        ("do", b'{"action": "fly"}', "no action is named 'fly'"),
        ("do", b'{"action": "prescribe", "arguments": [1]}', "arguments must be a table"),
        ("do", b'{"action": "prescribe", "arguments": {"ctv": "lesion", "dose_gy": NaN}}', "must be a finite number"),
        ("do", b'{"action": "prescribe", "arguments": {"self": 1}}', "prescribe takes ctv, dose_gy"),
        ("do", b'{"action": "prescribe", "arguments": {"action": 1}}', "prescribe takes ctv, dose_gy"),
        ("go", b'{"place": true}', "place must be a whole number"),
        ("go", b'{"place": 99}', "the history has the places"),
        ("take", b'{"name": "none such"}', "no plan was kept as 'none such'"),
        ("keep", b'{"name": "   "}', "name must be a printable text"),
        # Half of a pair of surrogates cannot be written: every later answer, and the journal, would fail.
        ("keep", b'{"name": "\\ud800"}', "name must be a printable text"),
        ("keep", b'{"name": "a\\u0000b"}', "name must be a printable text"),
        ("do", b"[" * 60_000, "a request must be a JSON object"),
        (
            "do",
            b'{"action": "prescribe", "arguments": {"ctv": "lesion", "dose_gy": 1%s}}' % (b"0" * 400),
            "must be a finite",
        ),
        ("do", b'{"action": "prescribe", "arguments": {"ctv": "\\ud800", "dose_gy": 18}}', "must be a printable text"),
        ("do", b" " * 70_000, "a request has at most 64,000 bytes"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(served: Served, path: str, body: bytes, message: str) -> None:
    status, _, said = served.ask("POST", f"/api/{path}", body)
    assert status == 400
    assert message in json.loads(said)["error"]


def grid_of(frame: dict[str, Any]) -> Grid:
    """Return the grid that stands beside a dose."""
    return Grid(
        shape_zyx=tuple(frame["shape"]),
        origin_mm=np.array(frame["origin"]),
        spacing_mm=np.array(frame["spacing"]),
        direction=np.array(frame["direction"]).reshape(3, 3),
    )


def test_what_is_on_the_screen_is_the_session(served: Served) -> None:
    state = served.post("do", action="prescribe", arguments={"ctv": "lesion", "dose_gy": 17.0})
    shown = served.session.shown
    assert state["prescriptions"][0]["value"] == 17.0
    assert state["prescriptions"][0]["reached"] == pytest.approx(shown.score.targets[0].d100_gy, abs=1e-5)
    assert [d["time_s"] for d in state["dwells"]] == pytest.approx(shown.plan.times_s.tolist(), abs=1e-3)
    assert state["state"] == "optimal on samples"
    status, headers, body = served.ask("GET", "/api/dose")
    assert status == 200
    frame = json.loads(headers["x-frame"])
    dose = np.frombuffer(body, dtype="<u2").reshape(frame["shape"]) * frame["step"]
    grid = grid_of(frame)
    plan = shown.plan
    exact = dose_at_points(plan.dwells, plan.times_s, grid.points_mm(), plan.source, strength_u=plan.strength_u).gy
    np.testing.assert_allclose(dose.ravel(), np.minimum(exact, 655.35), atol=0.006, rtol=1e-5)
    settled = served.post("settle")
    assert settled["state"] == "proven at every point"
    assert settled["revision"] > state["revision"]


def test_history_kept_plans_and_comparison(served: Served) -> None:
    served.post("keep", name="first")
    state = served.post("do", action="prescribe", arguments={"ctv": "lesion", "dose_gy": 25.0})
    found = served.post("compare", name="first")
    row = next(r for r in found["rows"] if r["structure"] == "lesion" and r["metric"] == "D100 (Gy)")
    assert row["now"] - row["kept"] > 1.0
    kept = served.session.kept["first"]
    curve = next(c for c in found["curves"] if c["name"] == "lesion")
    assert float(np.interp(0.9, curve["frac"][::-1], curve["gy"][::-1])) == pytest.approx(
        kept.score.targets[0].d90_gy, abs=0.02
    )
    status, headers, values = served.ask("GET", "/api/dose?kept=first")
    assert status == 200
    frame = json.loads(headers["x-frame"])
    grid = grid_of(frame)
    plan = kept.plan
    exact = dose_at_points(plan.dwells, plan.times_s, grid.points_mm(), plan.source, strength_u=plan.strength_u).gy
    dose = frame["step"] * np.frombuffer(values, dtype="<u2")
    np.testing.assert_allclose(dose, np.minimum(exact, 655.35), atol=0.006, rtol=1e-5)
    status, _, said = served.ask("GET", "/api/dose?kept=second")
    assert status == 400
    assert "no plan was kept as 'second'" in json.loads(said)["error"]
    assert served.post("undo")["at"] == state["at"] - 1
    assert served.post("redo")["at"] == state["at"]
    assert served.post("take", name="first")["history"][-1] == "take first"


@pytest.mark.slow
def test_save_writes_a_new_folder_and_says_the_command(served: Served) -> None:
    said = served.post("save")["said"]
    assert "hdrplan plan case -o plan" in said
    assert (served.saves / "plan" / "report.html").is_file()
    assert "plan-2" in served.post("save")["said"]


def test_the_3d_page_is_that_of_the_plan_on_the_screen(served: Served) -> None:
    status, _, page = served.ask("GET", "/solid")
    assert status == 200
    text = page.decode()
    assert f"{served.session.wishes.prescriptions[0].dose_gy:g} Gy isodose" in text
    assert "Research use only" in text


def test_a_notebook_shows_the_page_in_a_frame_and_both_touch_one_session(folder: Path) -> None:
    session = Session.open(folder)
    frame = show(session, saves=folder.parent / "of-the-notebook", height_px=700)
    try:
        address = frame.address
        assert html.escape(address) in frame._repr_html_()
        origin, _, token = address.partition("/?token=")
        opened = urllib.request.urlopen(address)
        assert "frame-ancestors http://127.0.0.1:* http://localhost:*" in opened.headers["content-security-policy"]
        assert f'"token":"{token}"' in opened.read().decode().replace(" ", "")
        ctv = session.wishes.prescriptions[0].structure
        touch = json.dumps({"action": "prescribe", "arguments": {"ctv": ctv, "dose_gy": 17.5}}).encode()

        def asked(**headers: str) -> urllib.request.Request:
            return urllib.request.Request(f"{origin}/api/do", touch, {"Origin": origin, **headers})

        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(asked())
        urllib.request.urlopen(asked(**{"X-hdrplan-token": token}))
        assert session.wishes.prescriptions[0].dose_gy == 17.5
        session.undo()
        assert session.wishes.prescriptions[0].dose_gy != 17.5
    finally:
        frame.close()


def test_a_touch_of_a_page_that_shows_another_plan_is_refused(untouched: Served) -> None:
    """Of two pages one undoes and asks for another goal: a drag in the other one moved that goal."""
    first = untouched.post("state")
    untouched.post("do", action="prescribe", arguments={"ctv": "lesion", "dose_gy": 18.0}, asked=first["asked"])
    wishes = untouched.session.wishes
    for path, given in (("do", {"action": "optimise_rest"}), ("undo", {}), ("go", {"place": 0})):
        body = json.dumps({**given, "asked": first["asked"]}).encode()
        status, _, said = untouched.ask("POST", f"/api/{path}", body)
        assert status == 400
        assert "the plan was touched elsewhere meanwhile" in said.decode()
    assert untouched.session.wishes is wishes
    assert untouched.post("seen")["revision"] == untouched.session.revision
    untouched.post("undo")  # a request that does not say what it saw is done


def test_a_proof_is_not_made_twice(untouched: Served) -> None:
    revision = untouched.post("settle")["revision"]
    assert untouched.post("settle")["revision"] == revision
    untouched.post("do", action="optimise_rest", arguments={})
    assert untouched.post("settle")["revision"] == revision + 2


def test_a_fault_of_ours_is_said_and_the_session_goes_on(untouched: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    before = untouched.session.shown
    with monkeypatch.context() as patched:
        patched.setattr("hdrplan.live.engine.Engine.draft", broken)
        status, _, said = untouched.ask("POST", "/api/do", b'{"action": "optimise_rest"}')
    assert status == 500
    assert "by a fault of hdrplan (ZeroDivisionError); the plan is as it was" in json.loads(said)["error"]
    assert untouched.session.shown is before
    untouched.post("do", action="optimise_rest")
