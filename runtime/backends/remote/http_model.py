"""A model on a server, asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from coconet.runtime.backends.remote.connection import ServerAnswer, ServerConnection, ServerUnreachable
from coconet.runtime.backends.remote.remote_model import refusal_of, unfit
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.serving.protocol.picture_coding import PictureCoding
from coconet.runtime.serving.protocol.tensor_reading import Tensor
from coconet.runtime.serving.protocol.tensor_spec import TensorSpec
from coconet.runtime.serving.protocol.wire import HEADER_LENGTH, pack_request, read_answer

_OK = 200


class HttpModel:
    """A RemoteModel over one connection of HTTP; one that is cut is closed, so that no answer is read any more."""

    def __init__(self, address: ServerAddress) -> None:
        """Prepare to ask; nothing is connected yet."""
        self._address, self._connection = address, ServerConnection(address)

    def config(self, within_s: float) -> Mapping[str, Any] | None:
        """The model's configuration; None from a server that does not tell it."""
        answer = self._connection.ask(f"{self._address.path}/config", within_s)
        return self._object(answer) if answer.status == _OK else None

    def metadata(self, within_s: float) -> Mapping[str, Any]:
        """What the model takes and gives."""
        answer = self._connection.ask(self._address.path, within_s)
        if answer.status != _OK:
            raise refusal_of(self._address, answer.status, _reason(answer))
        return self._object(answer)

    def is_ready(self, within_s: float) -> bool:
        """Whether the model fuses."""
        try:
            return self._connection.ask(f"{self._address.path}/ready", within_s).status == _OK
        except ServerUnreachable:
            return False

    def infer(
        self, tensors: Mapping[str, Tensor], within_s: float, coding: PictureCoding | None, wanted: TensorSpec
    ) -> Tensor:
        """Ask for one output."""
        packed = pack_request(tensors, within_s, coding, wanted.name)
        answer = self._connection.ask(f"{self._address.path}/infer", within_s, packed)
        if answer.status != _OK:
            raise refusal_of(self._address, answer.status, _reason(answer))
        return read_answer(answer.body, answer.headers.get(HEADER_LENGTH.lower()), wanted)

    def cut(self) -> None:
        """Close the connection."""
        self._connection.cut()

    def close(self) -> None:
        """Close the connection."""
        self._connection.cut()

    def _object(self, answer: ServerAnswer) -> dict[str, Any]:
        try:
            told = json.loads(answer.body)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            wanted, got = "a server of the Open Inference Protocol", "one that answers otherwise"
            raise unfit(self._address, wanted, got, "does not answer as the Open Inference Protocol says")
        return told


def _reason(answer: ServerAnswer) -> str:
    try:
        return str(json.loads(answer.body)["error"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
