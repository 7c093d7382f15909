"""Rates: how often something may be done, and how often it is a line of the log."""

from __future__ import annotations

import logging

import pytest

from coconet.runtime.viewers.rate_limit import QuietLog, RateLimit, locate_error


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def test_an_allowance_is_some_at_once_and_then_one_per_period() -> None:
    clock = Clock()
    allowance = RateLimit(3, 2.0, clock)
    assert [allowance.take() for _ in range(5)] == [True, True, True, False, False]
    clock.now_s += 1.9
    assert not allowance.take()
    clock.now_s += 0.2
    assert [allowance.take(), allowance.take()] == [True, False]
    clock.now_s += 1000.0
    assert [allowance.take() for _ in range(4)] == [True, True, True, False]


def test_the_log_gets_few_lines_and_the_number_of_those_left_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "coconet.run")
    clock = Clock()
    log = QuietLog(RateLimit(2, 10.0, clock))
    for _ in range(7):
        log.note("refused", status=400)
    clock.now_s += 10.0
    log.note("refused", status=401)
    assert [vars(record)["fields"] for record in caplog.records] == [
        {"status": 400},
        {"status": 400},
        {"status": 401, "left_out": 5},
    ]


def test_an_error_is_named_by_its_kind_and_place_without_its_words() -> None:
    try:
        raise ValueError("secret")
    except ValueError as error:
        told = locate_error(error)
    assert told.startswith("ValueError in test_rate_limit.py, test_an_error_is_named")
    assert "secret" not in told
    assert locate_error(KeyError("secret")) == "KeyError"
