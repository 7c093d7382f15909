"""What was kept of a run: listed by time, shown small, and given whole; nothing else in the folder is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.media.image import write_picture
from coconet.runtime.viewers.captures.capture_folder import MOST_LISTED, THUMBNAIL_PX, CaptureFolder
from coconet.runtime.viewers.live_page import PageSettings
from coconet.runtime.viewers.rate_limit import TooOften
from coconet.runtime.viewers.snapshots import Captures
from tests.support.media.frames import fused_frame
from tests.support.rigs.live_rig import LiveRig, live_rig, until

TOKEN, VIEW_TOKEN = "correct-horse-battery", "only-look-at-the-horse"
STAMP = "20260102T03040{}-005Z"


def picture(folder: Path, name: str, width: int = 400) -> None:
    write_picture(folder / name, np.full((300, width, 3), 90, np.uint8))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[LiveRig]:
    page = PageSettings(port=0, token=TOKEN, captures=tmp_path / "kept", view_token=VIEW_TOKEN)
    with live_rig(tmp_path, page=page) as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_captures_are_listed_newest_first_with_their_files_together(tmp_path: Path) -> None:
    for at, side in ((1, "visible"), (1, "fused"), (2, "fused")):
        picture(tmp_path, f"{STAMP.format(at)}-{side}.png")
    (tmp_path / f"{STAMP.format(3)}.mp4").write_bytes(b"12345")
    found = CaptureFolder(tmp_path).newest()
    assert [one.kind for one in found.captures] == ["recording", "snapshot", "snapshot"]
    assert [file.name for file in found.captures[2].files] == [
        f"{STAMP.format(1)}-{side}.png" for side in ("fused", "visible")
    ]
    assert found.captures[0].files[0].bytes == 5
    assert (found.captures[0].utc, found.more) == ("2026-01-02T03:04:03.005+00:00", 0)


def test_other_files_links_and_folders_are_neither_listed_nor_given(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("x")
    (tmp_path / f"{STAMP.format(1)}-fused.png").mkdir()
    (tmp_path / f"{STAMP.format(2)}-fused.png").symlink_to(tmp_path / "secret.txt")
    (tmp_path / f"{STAMP.format(3)}.mp4.unfinished").write_text("x")
    folder = CaptureFolder(tmp_path)
    assert folder.newest().captures == ()
    for name in ("secret.txt", "../rig.toml", "", f"{STAMP.format(1)}-fused.png", f"{STAMP.format(2)}-fused.png"):
        with pytest.raises(CoconetError):
            folder.thumbnail(name)


def test_a_folder_that_is_not_there_has_no_captures(tmp_path: Path) -> None:
    assert CaptureFolder(tmp_path / "none").newest().captures == ()


def test_a_list_has_an_end_and_says_how_many_more_there_are(tmp_path: Path) -> None:
    for at in range(MOST_LISTED + 5):
        (tmp_path / f"20260102T0304{at % 60:02d}-{at:03d}Z.mp4").touch()
    found = CaptureFolder(tmp_path).newest()
    assert (len(found.captures), found.more) == (MOST_LISTED, 5)


def test_a_small_picture_keeps_its_shape_and_is_made_once(tmp_path: Path) -> None:
    name = f"{STAMP.format(1)}-fused.png"
    picture(tmp_path, name)
    folder = CaptureFolder(tmp_path, lambda: 0.0)
    small = folder.thumbnail(name)
    decoded = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (144, THUMBNAIL_PX, 3)
    assert all(folder.thumbnail(name) == small for _ in range(2 * MOST_LISTED))


def test_small_pictures_have_a_rate(tmp_path: Path) -> None:
    now_s = [0.0]
    folder = CaptureFolder(tmp_path, lambda: now_s[0])
    for at in range(MOST_LISTED + 1):
        picture(tmp_path, f"20260102T0304{at % 60:02d}-{at:03d}Z-fused.png", width=20)
    names = [one.files[0].name for one in folder.newest().captures]
    for name in names:
        folder.thumbnail(name)
    last = "20260102T030400-000Z-fused.png"
    assert last not in names
    with pytest.raises(TooOften):
        folder.thumbnail(last)
    now_s[0] = 0.3
    assert folder.thumbnail(last)


def test_a_video_shows_its_first_frame(tmp_path: Path) -> None:
    captures = Captures(tmp_path)
    name = captures.start().name
    for index in range(3):
        captures.note(fused_frame(index, level=200))
    captures.stop()
    decoded = cv2.imdecode(np.frombuffer(CaptureFolder(tmp_path).thumbnail(name), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert abs(decoded.mean() - 200) < 6


def test_who_has_a_token_to_watch_sees_captures_and_nobody_without_one_does(rig: LiveRig) -> None:
    assert until(lambda: rig.ask("POST", "/snapshot", {}, bearer(TOKEN))[0] == 200)
    status, _, body = rig.ask("GET", "/captures", headers=bearer(VIEW_TOKEN))
    assert status == 200
    name = json.loads(body)["captures"][0]["files"][0]["name"]
    for path in ("/captures", f"/captures/{name}", f"/thumbnails/{name}"):
        assert rig.ask("GET", path)[0] == 401
        status, headers, body = rig.ask("GET", path, headers=bearer(VIEW_TOKEN))
        assert (status, bool(body), headers["x-content-type-options"]) == (200, True, "nosniff")


def test_nothing_else_of_the_folder_is_given(rig: LiveRig) -> None:
    folder = rig.page.view.captures.folder
    folder.mkdir(exist_ok=True)
    (folder / "secret.txt").write_text("x")
    for path in ("/captures/secret.txt", "/captures/", "/captures/%2e%2e/rig.toml", "/captures/../x"):
        assert rig.ask("GET", path, headers=bearer(TOKEN))[0] == 404
    for path in ("/thumbnails/secret.txt", "/thumbnails/%2e%2e%2fx"):
        assert rig.ask("GET", path, headers=bearer(TOKEN))[0] in (400, 404)
