"""Requests that get no picture, each kind with its status of HTTP."""

from __future__ import annotations

from coconet.errors import CoconetError


class InferenceError(CoconetError):
    """A request that gets no picture; status: the one of HTTP."""

    status = 400


class TooLate(InferenceError):
    """An answer that would come after its deadline."""

    status = 504


class Unavailable(InferenceError):
    """A server that takes no more for now."""

    status = 503


class Unknown(InferenceError):
    """A model or a version that is not here."""

    status = 404


FAILED = 500


def status_of(error: Exception) -> int:
    """The status of HTTP for an error; what a backend refuses that was held against the card is the server's fault."""
    return error.status if isinstance(error, InferenceError) else FAILED
