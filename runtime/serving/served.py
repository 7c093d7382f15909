"""A model as it is served, whatever the protocol: what it says of itself, and its pictures for pairs."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from coconet import __version__
from coconet.cards.model_card import INFRARED, VISIBLE, ModelCard
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.frame_check import adapt_frames
from coconet.runtime.serving.fusion_queue import FusionQueue
from coconet.runtime.serving.model_config import CODINGS_KEY, Instances, model_config
from coconet.runtime.serving.protocol.inference_error import InferenceError, Unknown
from coconet.runtime.serving.protocol.picture_coding import codings_here
from coconet.runtime.serving.protocol.tensor_spec import ModelSpec, TensorSpec, spec_of
from coconet.runtime.serving.protocol.wire import InferenceRequest
from coconet.runtime.serving.serving_metrics import ServingMetrics

VERSION = "1"
"""The only version of the model that is served."""

SERVER = {
    "name": "coconet-edge",
    "version": __version__,
    "extensions": ["binary_tensor_data", "model_configuration"],
}
"""What the server says of itself."""


@dataclass(frozen=True)
class Served:
    """A model as it is served. name: in addresses. card: what it expects. largest: bytes of a request."""

    name: str
    card: ModelCard
    queue: FusionQueue
    metrics: ServingMetrics
    largest: int

    @cached_property
    def spec(self) -> ModelSpec:
        """What a request holds: always one pair, whatever the batch of the graph."""
        return spec_of(self.card)

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What the model takes and gives."""
        tensors = {"inputs": self.spec.inputs, "outputs": self.spec.outputs}
        told: dict[str, Any] = {group: [_tensor_json(one) for one in found] for group, found in tensors.items()}
        return {"name": self.name, "versions": [VERSION], "platform": "coconet-edge", **told}

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration that the model has in a repository, with its card, and as what pictures may travel."""
        config = model_config(self.name, self.card, "onnx", Instances())
        config["parameters"][CODINGS_KEY] = {"string_value": " ".join(codings_here())}
        return config

    def check_name(self, model: str, version: str) -> None:
        """Raise Unknown unless it is this model, and this version or none."""
        if model != self.name:
            raise Unknown(
                "model",
                wanted=self.name,
                got=model[:60],
                remedy="Correct the address.",
                says=f"{model[:60]} is not served here, only {self.name}",
            )
        if version not in ("", VERSION):
            raise Unknown(
                "version",
                wanted=VERSION,
                got=version[:60],
                remedy="Correct the address.",
                says=f"{version[:60]} is not served here, only {VERSION}",
            )

    def submit(self, request: InferenceRequest, within_s: float | None = None) -> Future[Pixels]:
        """Let the pair of a request wait for its picture. Raises InferenceError for one that does not fit.

        within_s: how long the client waits, unless the request itself says less.
        """
        visible, infrared = (request.tensors[name][0] for name in (VISIBLE, INFRARED))
        try:
            adapt_frames(self.card, self.name, visible, infrared)
        except CoconetError as error:
            raise InferenceError(
                error.where,
                wanted=error.wanted,
                got=error.got,
                remedy=f"Send {error.wanted}, or ask another model.",  # how to export one is no matter of a client
                says=error.says,
            ) from None
        waits_s = [one for one in (within_s, request.timeout_s) if one is not None]
        return self.queue.submit((visible, infrared), min(waits_s, default=None))


def _tensor_json(tensor: TensorSpec) -> Mapping[str, Any]:
    return {"name": tensor.name, "datatype": tensor.data_type, "shape": list(tensor.shape)}
