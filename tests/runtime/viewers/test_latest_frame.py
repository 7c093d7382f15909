"""The board: the newest frame for all that wait, and no waiting for the code that posts."""

from __future__ import annotations

import asyncio
from contextlib import closing
from threading import Timer

import cv2
import numpy as np
import pytest

from coconet.runtime.look import Look
from coconet.runtime.viewers import latest_frame as board
from coconet.runtime.viewers.latest_frame import Jpegs, LatestFrame, LatestFrameClosed, NumberedFrame
from tests.support.media.frames import fused_frame


@pytest.fixture(autouse=True)
def every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "_SHORTEST_S", 0.0)


def test_the_newest_frame_is_given_whatever_came_between() -> None:
    posts = LatestFrame()
    for level in (1, 2, 3):
        posts.post(fused_frame(level=level))
    newest = asyncio.run(posts.newer_than(1))
    assert (newest.serial, newest.frame.pixels[0, 0, 0]) == (3, 3)


def test_all_who_wait_are_woken_by_another_thread() -> None:
    posts = LatestFrame()

    async def both() -> list[int]:
        Timer(0.05, posts.post, [fused_frame(level=7)]).start()
        return [posted.serial for posted in await asyncio.gather(posts.newer_than(0), posts.newer_than(0))]

    assert asyncio.run(both()) == [1, 1]


def test_who_stops_waiting_is_forgotten_and_a_closed_event_loop_disturbs_no_post() -> None:
    posts = LatestFrame()
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(asyncio.wait_for(posts.newer_than(0), 0.01))
    assert not posts._waiting
    loop = asyncio.new_event_loop()
    posts._waiting.add(loop.create_future())
    loop.close()
    posts.post(fused_frame(level=1))
    assert posts.newest is not None


def test_frames_that_nobody_could_see_are_not_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "_SHORTEST_S", 60.0)
    posts = LatestFrame()
    posts.post(fused_frame(level=1))
    posts.post(fused_frame(level=2))
    assert posts.newest is not None
    assert posts.newest.serial == 1


def test_a_board_that_is_closed_lets_nobody_wait() -> None:
    posts = LatestFrame()
    Timer(0.05, posts.close).start()
    with pytest.raises(LatestFrameClosed):
        asyncio.run(posts.newer_than(0))


def test_an_alarm_is_red_in_a_gray_picture_as_well() -> None:
    jpegs = Jpegs()
    with closing(jpegs):
        data = jpegs.of(NumberedFrame(1, fused_frame(level=90), ("hot",)), Look(show="infrared")).result(20)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    blue, _, red = picture[-2, -2].astype(int)
    assert red - blue > 60
