"""The signals that stop a run set one Event, whichever they are."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from threading import Thread

import pytest

from coconet.runtime.threads import stop_signals
from coconet.runtime.threads.stop_signals import stopped_by_signals
from tests.support.programs.patience import PATIENCE_S
from tests.support.rigs.live_rig import until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX does")
ALIKE = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def _usual_handlers() -> Iterator[None]:
    """What starts the tests may ignore SIGINT or SIGHUP."""
    before = {number: signal.getsignal(number) for number in ALIKE}
    for number in ALIKE:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ALIKE)
def test_a_signal_sets_the_event_and_raises_nothing(number: int) -> None:
    before = signal.getsignal(number)
    with stopped_by_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(PATIENCE_S)
        os.kill(os.getpid(), number)  # the same, sent twice
    assert signal.getsignal(number) is before


def test_other_signals_do_not_stop() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _frame: heard.append(number))
    try:
        with stopped_by_signals() as stop:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert until(lambda: heard)
            assert not stop.wait(0.2)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stopped_by_signals() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert not stop.wait(0.2)


def test_ctrl_c_once_more_ends_what_does_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop_signals, "_AGAIN_S", -1.0)
    with stopped_by_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(PATIENCE_S)
        os.kill(os.getpid(), signal.SIGTERM)  # what stops services may repeat itself
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_outside_the_main_thread_nothing_is_installed() -> None:
    before, found = [signal.getsignal(number) for number in ALIKE], []

    def ask() -> None:
        with stopped_by_signals() as stop:
            found.append(stop.is_set())
            found.append([signal.getsignal(number) for number in ALIKE] == before)

    thread = Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [False, True]
