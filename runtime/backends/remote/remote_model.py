"""A model on a server, asked over one connection of either protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from coconet.errors import CoconetError
from coconet.runtime.backends.remote.server_address import FROM_ENVIRONMENT, ServerAddress
from coconet.runtime.serving.protocol.inference_error import InferenceError
from coconet.runtime.serving.protocol.picture_coding import PictureCoding
from coconet.runtime.serving.protocol.tensor_reading import Tensor
from coconet.runtime.serving.protocol.tensor_spec import TensorSpec

LATE, FULL = 504, 503


class RemoteModel(Protocol):
    """Asks one thing after the other; not for two threads at once, but any may call `cut`."""

    def config(self, within_s: float) -> Mapping[str, Any] | None:
        """The model's configuration, as JSON has it; None from a server that does not tell it."""

    def metadata(self, within_s: float) -> Mapping[str, Any]:
        """What the model takes and gives, as JSON has it."""

    def is_ready(self, within_s: float) -> bool:
        """Whether the model fuses; False if nobody answers."""

    def infer(
        self, tensors: Mapping[str, Tensor], within_s: float, coding: PictureCoding | None, wanted: TensorSpec
    ) -> Tensor:
        """Ask for one output. coding: how pictures travel.

        Raises ServerUnreachable, and InferenceError as the server says.
        """

    def cut(self) -> None:
        """Give up what is asked in another thread: it ends with ServerUnreachable, and no answer is read any more."""

    def close(self) -> None:
        """End the connection."""


class ServerRefusal(InferenceError):
    """What a server answered instead of a picture."""


def refusal_of(address: ServerAddress, status: int, told: str) -> InferenceError:
    """What a server answered, as an error. status: of HTTP."""
    wanted = "an answer with a picture" if status in (LATE, FULL) else "a request that it takes"
    got = f"{status}: {told[:300].rstrip('.')}"
    says = f"did not fuse the pair ({got})" if status in (LATE, FULL) else f"refused the request ({got})"
    error = ServerRefusal(address.named, wanted=wanted, got=got, remedy=_remedy(address, status), says=says)
    error.status = status
    return error


def _remedy(address: ServerAddress, status: int) -> str:
    if status not in (401, 403):
        return "Act on what the server says."
    if address.token is None:
        return f"Put the token of the server into the environment variable {FROM_ENVIRONMENT}, or pass --server-token."
    return f"Check the token that was sent, of {FROM_ENVIRONMENT} or --server-token."


def unfit(address: ServerAddress, wanted: str, got: str, says: str) -> CoconetError:
    """A server that is not what was wanted."""
    return CoconetError(
        address.named, wanted=wanted, got=got, remedy="Check the server and the name of the model.", says=says
    )
