"""Arguments at the border: what Python passes on unlooked-at is refused in words before anything is opened."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable

from coconet.errors import Refused


def check_type(argument: str, value: object, wanted: type, words: str, remedy: str) -> None:
    """Refuse a value that is no `wanted`. words: what it is called, such as `a model that was loaded`.

    Raises Refused, which names the argument.
    """
    if not isinstance(value, wanted):
        raise Refused(
            argument, wanted=words, got=_in_words(value), remedy=remedy, says=f"must be {words}, not {_in_words(value)}"
        )


def check_path(argument: str, value: object, remedy: str) -> None:
    """Refuse what is neither text nor a path, and text that is empty."""
    if not isinstance(value, (str, os.PathLike)):
        raise Refused(
            argument,
            wanted="a path, or text",
            got=_in_words(value),
            remedy=remedy,
            says=f"must be a path or text, not {_in_words(value)}",
        )
    if not os.fspath(value):
        raise Refused(argument, wanted="a path, or text", got="an empty text", remedy=remedy, says="is empty")


def check_heat(heat: object) -> None:
    """Refuse what is no number from 0 to 100."""
    if not isinstance(heat, (int, float)) or isinstance(heat, bool) or not 0 <= heat <= 100:
        got = f"{heat:g}" if isinstance(heat, (int, float)) and not isinstance(heat, bool) else _in_words(heat)
        raise Refused(
            "heat",
            wanted="a number from 0 to 100",
            got=got,
            remedy="50 shows heat as strongly as the model makes it.",
            says=f"must be a number from 0 to 100, not {got}",
        )


def check_called(argument: str, value: Callable[..., object] | None, remedy: str) -> None:
    """Refuse what cannot be called, and what would have to be awaited; None is none."""
    if is_async(value):
        raise Refused(
            argument,
            wanted="a function that is not async, or None",
            got="an async function",
            remedy="Hand frames to a loop from it: loop.call_soon_threadsafe(queue.put_nowait, frame).",
            says="is an async function, which nothing here awaits: it would never run",
        )
    if not (value is None or callable(value)):
        raise Refused(
            argument,
            wanted="a function, or None",
            got=_in_words(value),
            remedy=remedy,
            says=f"must be a function or None, not {_in_words(value)}",
        )


def is_async(function: object) -> bool:
    """Whether a call of it has to be awaited: an async function or method, or an object that is called as one."""
    asked = (function, getattr(function, "__call__", None))  # noqa: B004  an object's own, which may be async
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in asked)


def _in_words(value: object) -> str:
    """The type of a value: the value itself may hold anything."""
    return "None" if value is None else f"a value of type {type(value).__name__}"
