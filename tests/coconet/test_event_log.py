"""What is said of a process: each sentence once, whichever part says it first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from coconet.event_log import SaidOnce, note_once, warn_once, warnings_heard


def test_two_threads_that_come_to_one_sentence_at_once_say_it_once() -> None:
    said, together = SaidOnce(), Barrier(8)

    def first(_: int) -> int:
        together.wait(10)
        return sum(said.is_new(f"sentence {number}") for number in range(200))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(first, range(8))) == 200


def test_a_warning_and_a_note_come_once_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.event_log.SAID", SaidOnce())
    for _ in range(2):
        warn_once("the sky falls")
        note_once("it rains")
    assert capsys.readouterr().err == "warning: the sky falls\nnote: it rains\n"


def test_in_a_job_warnings_are_gathered_and_a_note_has_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.event_log.SAID", SaidOnce())
    gathered = []
    for name in ("one", "two"):
        with warnings_heard(name) as heard:
            for _ in range(2):
                warn_once("the sky falls")
                note_once("it rains")
        gathered.append(heard)
    assert gathered == [["the sky falls"]] * 2
    assert capsys.readouterr().err == "note: one: it rains\nnote: two: it rains\n"
