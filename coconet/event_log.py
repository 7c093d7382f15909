"""The log of a run: events on stderr, as plain lines or as JSON, one a line; and warnings, each once a process."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from enum import Enum
from threading import Lock
from typing import Any

from coconet.redaction import redact_text

_LOGGER = logging.getLogger("coconet.run")


class LogStyle(str, Enum):
    """text: for people. json: one object a line, for what collects logs."""

    TEXT = "text"
    JSON = "json"


@contextmanager
def logging_as(style: LogStyle | None) -> Iterator[None]:
    """Write events to stderr inside the block; None writes nothing."""
    if style is None:
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if style is LogStyle.JSON else _TextLines())
    level, propagate = _LOGGER.level, _LOGGER.propagate
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(level)
        _LOGGER.propagate = propagate


def is_logging() -> bool:
    """Whether events are written, so that nothing else should go to stderr."""
    return bool(_LOGGER.handlers)


def log_event(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Note that something happened; fields are plain values with units in their names; addresses are redacted."""
    if not _LOGGER.hasHandlers():
        return  # logging would print the bare word
    shown = {name: redact_text(value) if isinstance(value, str) else value for name, value in fields.items()}
    _LOGGER.log(level, event, extra={"fields": shown})


class SaidOnce:
    """What was said in this process; two threads that read one folder come to the same sentence at the same time."""

    def __init__(self) -> None:
        self._texts, self._lock = set[str](), Lock()

    def is_new(self, text: str) -> bool:
        """Whether nothing of these words was said before; from now on it was."""
        with self._lock:
            new = text not in self._texts
            self._texts.add(text)
        return new


SAID = SaidOnce()
"""Of this process."""


_HEARD: list[tuple[str, list[str]]] = []


@contextmanager
def warnings_heard(of: str) -> Iterator[list[str]]:
    """Give a list into which what warn_once is told inside the block goes, of any thread, in place of stderr and log.

    Each text comes into it once, also one that was said before. of: what is done in the block, by whose name
    note_once says its texts, such as that of a job.
    """
    heard = of, list[str]()
    _HEARD.append(heard)
    try:
        yield heard[1]
    finally:
        _HEARD.remove(heard)


def warn_once(text: str) -> None:
    """Say what cannot be seen in the result, on stderr or in the log if one goes there; the same text comes once."""
    if _HEARD:
        _, heard = _HEARD[-1]
        if text not in heard:
            heard.append(text)
    elif SAID.is_new(text):
        _say(text, "warning", logging.WARNING)


def note_once(text: str) -> None:
    """Say what was chosen for the user and is no trouble, where warn_once does; the same text comes once."""
    told = f"{_HEARD[-1][0]}: {text}" if _HEARD else text
    if SAID.is_new(told):
        _say(told, "note", logging.INFO)


def _say(text: str, kind: str, level: int) -> None:
    from coconet.terminal.notice import print_notice

    if is_logging():
        log_event("input", level=level, **{"trouble" if kind == "warning" else kind: text})
    else:
        print_notice(text, kind)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _time(record), "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps(line | getattr(record, "fields", {}), default=str)


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, "fields", {}).items())
        return f"{_time(record)} {record.levelname.lower()} {record.getMessage()} {fields}".rstrip()


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
