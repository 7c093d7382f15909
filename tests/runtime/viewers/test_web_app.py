"""The live page as a browser and a program meet it: what it serves, and what it refuses."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.connection import Connection

from coconet.errors import CoconetError
from coconet.media.image import read_picture
from coconet.redaction import redact_text
from coconet.runtime.loop.run_stats import RunStats
from coconet.runtime.viewers.live_page import LivePage, PageSettings
from tests.support.rigs.live_rig import CUT, LiveRig, live_rig, until

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests only
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRig]:
    with live_rig(tmp_path_factory.mktemp("captures") / "kept") as running:
        assert running.goes_on()
        yield running


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRig]:
    with live_rig(tmp_path_factory.mktemp("captures"), token=TOKEN) as running:
        yield running


def watching(rig: LiveRig, **words: Any) -> ClientConnection:
    address = f"ws://{urlsplit(rig.page.url).netloc}/watch"
    connection: ClientConnection = connect(address, compression=None, proxy=None, **words)
    return connection


def wish(socket: Connection, *views: str) -> tuple[dict[str, object], list[bytes]]:
    socket.send(json.dumps({"looks": [{"show": view} for view in views]}))
    message = socket.recv(20)
    assert isinstance(message, bytes)
    size = int.from_bytes(message[:4], "big")
    label, rest, pictures = json.loads(message[4 : 4 + size]), message[4 + size :], []
    for length in label["bytes"]:
        pictures.append(rest[:length])
        rest = rest[length:]
    assert not rest
    return label, pictures


def test_the_page_is_plain_files_that_load_nothing_from_elsewhere(rig: LiveRig) -> None:
    status, headers, body = rig.ask("GET", "/")
    assert (status, b'id="canvas"' in body) == (200, True)
    assert headers["content-security-policy"].startswith("default-src 'self'")
    for name in ("style.css", "page.js", "watcher.js", "figures.js", "settings.js", "login.js", "icon.svg"):
        assert rig.ask("GET", f"/static/{name}")[0] == 200


def test_the_figures_are_json(rig: LiveRig) -> None:
    told = json.loads(rig.ask("GET", "/vitals")[2])
    assert told["vitals"]["visible"]["name"] == "front"
    assert told["recording"] is None


def test_both_sides_of_a_split_come_from_one_frame_and_the_next_wish_gets_a_newer_one(rig: LiveRig) -> None:
    with watching(rig) as viewer:
        label, pictures = wish(viewer, "visible", "infrared")
        later, _ = wish(viewer, "fused")
    assert label["views"] == ["visible", "infrared"]
    decoded = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) for data in pictures]
    assert [picture.shape for picture in decoded if picture is not None] == [(48, 64, 3), (48, 64)]
    assert int(str(later["serial"])) > int(str(label["serial"]))


def test_nothing_is_encoded_while_nobody_looks(rig: LiveRig) -> None:
    with watching(rig) as viewer:
        wish(viewer, "fused")
    before = rig.page.view.jpegs.encoded
    assert rig.goes_on()
    assert rig.page.view.jpegs.encoded == before


def test_a_viewer_who_reads_nothing_drops_frames_and_holds_nobody_up(rig: LiveRig) -> None:
    with watching(rig) as slow, watching(rig) as quick:
        first, _ = wish(slow, "fused")
        for _ in range(10):
            wish(quick, "fused")
        assert rig.goes_on()
        second, _ = wish(slow, "fused")
    assert int(str(second["serial"])) - int(str(first["serial"])) >= 10


def test_a_viewer_is_told_of_a_stopped_camera(rig: LiveRig) -> None:
    rig.infrared.stopped.set()
    try:
        with watching(rig) as viewer:
            assert until(lambda: "infrared" in str(wish(viewer, "fused")[0]["notice"]))
    finally:
        rig.infrared.stopped.clear()
    assert until(lambda: json.loads(rig.ask("GET", "/vitals")[2])["vitals"]["infrared"]["state"] == "live")


@pytest.mark.parametrize("message", ["", "[]", '{"looks": []}', '{"looks": [{"show": "../"}]}', "[" * 4000, b"\0"])
def test_a_wish_that_is_none_ends_only_that_connection(rig: LiveRig, message: str | bytes) -> None:
    with watching(rig) as viewer:
        viewer.send(message)
        with pytest.raises(ConnectionClosed, match="1003"):
            viewer.recv(20)
    assert rig.goes_on()


def test_a_message_that_is_too_long_ends_only_that_connection(rig: LiveRig) -> None:
    with watching(rig) as viewer:
        viewer.send(" " * 10_000)
        with pytest.raises(ConnectionClosed, match="1009"):
            viewer.recv(20)
    assert rig.goes_on()


def test_a_snapshot_is_saved_and_can_be_fetched(rig: LiveRig) -> None:
    names = json.loads(rig.ask("POST", "/snapshot")[2])["files"]
    folder = rig.page.view.captures.folder
    assert read_picture(folder / names[0]).shape == (48, 64, 3)
    assert rig.ask("GET", f"/captures/{names[0]}")[2] == (folder / names[0]).read_bytes()


def test_a_recording_is_begun_shown_and_finished(rig: LiveRig) -> None:
    name = json.loads(rig.ask("POST", "/recording", {"on": True})[2])["name"]
    assert until(lambda: (json.loads(rig.ask("GET", "/vitals")[2])["recording"] or {"frames": 0})["frames"] >= 2)
    for wrong in ({}, {"on": "no"}, {"on": 0}, {"on": False, "off": True}):
        assert rig.ask("POST", "/recording", wrong)[0] == 400
    state = json.loads(rig.ask("POST", "/recording", {"on": False})[2])
    assert state["name"] == name
    assert (rig.page.view.captures.folder / name).is_file()


PATHS = ("/static/../web.py", "/static/..%2fweb.py", "/static/%2e%2e/web.py", "/captures/../../etc/passwd")
MORE_PATHS = ("/captures/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/static//etc/passwd", "/captures/%00", "/../etc/passwd")


@pytest.mark.parametrize("path", [*PATHS, *MORE_PATHS])
def test_nothing_outside_its_folders_is_served(rig: LiveRig, path: str) -> None:
    assert rig.ask("GET", path)[0] in (400, 404)


def test_before_anything_is_kept_there_is_nothing_to_find(tmp_path: Path) -> None:
    with live_rig(tmp_path / "not yet") as fresh:
        assert fresh.ask("GET", "/captures/photo.png")[0] == 404


def test_a_link_that_leads_out_of_the_captures_is_not_followed(rig: LiveRig, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = rig.page.view.captures.folder
    folder.mkdir(exist_ok=True)
    (folder / "link").symlink_to(tmp_path / "secret")
    assert rig.ask("GET", "/captures/link")[0] == 404


def test_a_huge_body_is_refused_with_and_without_a_stated_length(rig: LiveRig) -> None:
    assert rig.ask("POST", "/recording", b" " * 1_000_000)[0] in (413, CUT)
    assert rig.ask("POST", "/recording", iter([b" " * 8192] * 4), {"Transfer-Encoding": "chunked"})[0] in (413, CUT)
    assert rig.goes_on()


@pytest.mark.parametrize("body", [b"", b"7", b"{", b"[" * 16_000, b"\xff"])
def test_a_body_that_is_no_object_is_refused_in_words(rig: LiveRig, body: bytes) -> None:
    status, _, answer = rig.ask("POST", "/recording", body)
    assert (status, "is not a JSON object" in json.loads(answer)["error"]) == (400, True)


def test_headers_without_end_are_refused(rig: LiveRig) -> None:
    assert rig.ask("GET", "/", headers={"X": "a" * 200_000})[0] in (400, CUT)
    assert rig.goes_on()


@pytest.mark.parametrize("name", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example"])
def test_without_a_token_only_localhost_is_answered(rig: LiveRig, name: str) -> None:
    assert rig.ask("GET", "/vitals", headers={"Host": name})[0] in (400, 421)


def test_another_page_can_neither_act_nor_watch(rig: LiveRig) -> None:
    assert rig.ask("POST", "/snapshot", headers={"Origin": "http://evil.example"})[0] == 403
    with pytest.raises(InvalidStatus, match="403"), watching(rig, origin="http://evil.example"):
        pass


@pytest.mark.parametrize("path", ["/vitals", "/captures/a.png", "/snapshot", "/metrics"])
@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_without_the_token_nothing_is_shown(locked: LiveRig, path: str, given: str) -> None:
    assert locked.ask("GET", path, headers={"Authorization": given})[0] == 401
    assert locked.ask("GET", path, headers={"Cookie": f"coconet_session={given}"})[0] == 401


def test_without_the_token_nobody_hears_of_alarms(locked: LiveRig) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://{urlsplit(locked.page.url).netloc}/events", proxy=None)
    assert refused.value.response.status_code == 401


def test_without_the_token_nobody_watches(locked: LiveRig) -> None:
    with pytest.raises(InvalidStatus, match="401"), watching(locked):
        pass


def test_a_browser_is_sent_to_the_door_and_gets_a_cookie_for_the_token(locked: LiveRig) -> None:
    status, headers, _ = locked.ask("GET", "/")
    assert (status, headers["location"]) == (303, "login")
    for wrong in ("", TOKEN[:-1], "\ud800", 7):
        assert locked.ask("POST", "/login", {"token": wrong})[0] == 401
    status, headers, _ = locked.ask("POST", "/login", {"token": TOKEN})
    cookie = headers["set-cookie"]
    assert (status, "HttpOnly" in cookie, "SameSite=strict" in cookie, TOKEN in cookie) == (200, True, True, False)
    assert locked.ask("GET", "/vitals", headers={"Cookie": cookie.partition(";")[0]})[0] == 200


def test_a_program_sends_the_token_in_a_header_and_may_call_the_page_by_any_name(locked: LiveRig) -> None:
    assert locked.ask("GET", "/vitals", headers={**BEARER, "Host": "rig.example"})[0] == 200
    with watching(locked, additional_headers=BEARER) as viewer:
        assert len(wish(viewer, "fused")[1]) == 1


@pytest.mark.parametrize(("host", "token"), [("::", None), ("192.0.2.1", None), ("127.0.0.1", "short")])
def test_a_page_that_others_can_reach_needs_a_good_token(host: str, token: str | None) -> None:
    with pytest.raises(
        CoconetError, match="--token (is missing, and others can reach|has 5 characters, fewer than 16)"
    ) as refused:
        LivePage(RunStats(), PageSettings(host, 0, token))
    assert "short" not in str(refused.value)
    assert redact_text(str(refused.value)) == str(refused.value)  # what makes one is shown whole


def test_a_page_that_closes_says_goodbye_to_who_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with ExitStack() as stack:
        with live_rig(tmp_path) as rig:
            viewer = stack.enter_context(watching(rig))
            wish(viewer, "fused")
            rig.visible.stopped.set()
            rig.infrared.stopped.set()
            viewer.send('{"looks": [{"show": "fused"}]}')
        with pytest.raises(ConnectionClosed):
            [viewer.recv(20) for _ in range(3)]
    assert [record.getMessage() for record in caplog.records] == []


def test_a_port_that_is_taken_is_said_and_leaves_nothing_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        page = LivePage(RunStats(), PageSettings(port=taken.getsockname()[1]))
        with pytest.raises(CoconetError, match="cannot be opened: Address already in use"), page:
            pass
