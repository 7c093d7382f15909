"""A served model over gRPC: Triton's own client, and calls that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import onnxruntime
import pytest

from coconet.cards.model_card import ModelCard
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.model_names import shipped_model
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.backends.rules.baseline import BaselineBackend, rule_card
from coconet.runtime.serving.fusion_queue import QueueLimits
from coconet.runtime.serving.model_config import card_of_config
from coconet.runtime.serving.model_server import ModelServer, ServerSettings, open_served
from coconet.runtime.serving.protocol.picture_coding import PictureCoding
from tests.support.programs.patience import PATIENCE_S

client_library = pytest.importorskip("tritonclient.grpc", reason="asks as Triton's client: pip install '.[grpc]'")
grpc = pytest.importorskip("grpc")
messages = client_library.service_pb2
grpc_messages = pytest.importorskip("coconet.runtime.serving.protocol.grpc_messages")
infer_request, parse_infer = grpc_messages.infer_request, grpc_messages.parse_infer
DecodeError = pytest.importorskip("google.protobuf.message").DecodeError

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests only


def serving(model: Path | str, name: str, **settings: Any) -> ModelServer:
    choice = choose_backend(model, "auto" if model == "average" else "ort")
    return ModelServer(name, lambda: open_served(choice), ServerSettings(port=0, grpc_port=0, **settings))


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with serving("lite", "lite", limits=QueueLimits(deadline_s=PATIENCE_S)) as running:
        yield running


def inputs_of(pair: tuple[Pixels, Pixels]) -> list[Any]:
    inputs = []
    for name, pixels in zip(("visible", "infrared"), pair, strict=True):
        inputs.append(client_library.InferInput(name, [1, *pixels.shape], "UINT8"))
        inputs[-1].set_data_from_numpy(pixels[None])
    return inputs


def ask(
    server: ModelServer, method: str, request: Any, *metadata: tuple[str, str], timeout_s: float = PATIENCE_S
) -> Any:
    """Call a method of the service without a client library."""
    with grpc.insecure_channel(server.grpc_address) as channel:
        call = channel.unary_unary(
            f"/inference.GRPCInferenceService/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=getattr(messages, f"{method}Response").FromString,
        )
        return call(request, timeout=PATIENCE_S, metadata=metadata)


def refused(server: ModelServer, method: str, request: Any) -> tuple[Any, str]:
    """The status and the words of a call that is refused."""
    with pytest.raises(grpc.RpcError) as told:
        ask(server, method, request)
    return told.value.code(), told.value.details()


def test_tritons_client_gets_what_onnx_runtime_gives_byte_for_byte(
    server: ModelServer, pair: tuple[Pixels, Pixels]
) -> None:
    session = onnxruntime.InferenceSession(str(shipped_model("lite")), providers=["CPUExecutionProvider"])
    bare: Pixels = session.run(None, {"visible": pair[0][None], "infrared": pair[1][None]})[0]
    with closing(client_library.InferenceServerClient(server.grpc_address)) as client:
        answer = client.infer("lite", inputs_of(pair), model_version="1", request_id="a pair")
    assert answer.as_numpy("fused").tobytes() == bare.tobytes()
    assert answer.get_response().id == "a pair"


def test_tritons_client_learns_what_is_served(server: ModelServer) -> None:
    with closing(client_library.InferenceServerClient(server.grpc_address)) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("lite")
        assert not client.is_model_ready("other")
        assert not client.is_model_ready("lite", "2")
        assert "binary_tensor_data" in client.get_server_metadata().extensions
        metadata = client.get_model_metadata("lite")
        config = client.get_model_config("lite", as_json=True)["config"]
    told = {one.name: (one.datatype, list(one.shape)) for one in [*metadata.inputs, *metadata.outputs]}
    assert told == {
        "visible": ("UINT8", [1, -1, -1, 3]),
        "infrared": ("UINT8", [1, -1, -1, 1]),
        "fused": ("UINT8", [1, -1, -1, 3]),
    }
    card = card_of_config(config, "the server")
    assert isinstance(card, ModelCard)
    assert card.network == "lite"


def good_request() -> Any:
    """A request of 8x8 black pixels, with typed contents."""
    request = messages.ModelInferRequest(model_name="lite")
    for name, depth in (("visible", 3), ("infrared", 1)):
        one = request.inputs.add(name=name, datatype="UINT8", shape=[1, 8, 8, depth])
        one.contents.uint_contents.extend([0] * (64 * depth))
    return request


def raw_request() -> Any:
    request = good_request()
    for one in request.inputs:
        request.raw_input_contents.append(bytes(len(one.contents.uint_contents)))
        one.ClearField("contents")
    return request


def changed(change: Callable[[Any], object], make: Callable[[], Any] = good_request) -> Any:
    request = make()
    change(request)
    return request


def put(request: Any, **contents: list[Any]) -> None:
    """Fill contents of the first input, and no others."""
    request.inputs[0].ClearField("contents")
    for name, values in contents.items():
        getattr(request.inputs[0].contents, name).extend(values)


def put_files(request: Any, *files: bytes) -> None:
    request.inputs[0].datatype, request.inputs[0].shape[:] = "BYTES", [1]
    put(request, bytes_contents=list(files))


UNFIT: dict[str, tuple[Callable[[Any], object], str]] = {
    "type": (lambda one: setattr(one.inputs[0], "datatype", "FP32"), "visible must have the datatype UINT8, not FP32"),
    "shape": (lambda one: one.inputs[0].shape.append(3), "must be [1, any, any, 3], not [1, 8, 8, 3, 3]"),
    "name": (lambda one: setattr(one.inputs[0], "name", "left"), "must be visible and infrared, not left, infrared"),
    "an input too few": (lambda one: one.inputs.pop(), "must be visible and infrared, not visible"),
    "too few numbers": (lambda one: one.inputs[0].contents.uint_contents.pop(), "192 whole numbers, not 191"),
    "beyond a byte": (lambda one: one.inputs[0].contents.uint_contents.__setitem__(0, 256), "levels of 0 to 255"),
    "another output": (lambda one: one.outputs.add(name="depth"), "outputs must be fused, not depth"),
    "one raw part": (
        lambda one: one.raw_input_contents.append(b"x"),
        "must be one for each input, or none, not 1 for 2",
    ),
    "numbers in another place": (
        lambda one: put(one, int_contents=[0] * 192),
        "visible has data in int_contents, but those of UINT8 belong into uint_contents. Send them in uint_contents",
    ),
    "numbers in two places": (
        lambda one: put(one, int_contents=[0], uint_contents=[0] * 192),
        "visible has data in int_contents and uint_contents, but those of UINT8 belong into uint_contents",
    ),
    "no data": (put, "visible has no data, neither in its contents nor in raw_input_contents"),
    "two files": (
        lambda one: put_files(one, b"a", b"b"),
        "visible has 2 elements in bytes_contents, but is one picture",
    ),
    "raw and typed data": (
        lambda one: one.raw_input_contents.extend([bytes(192), bytes(64)]),
        "visible has data in uint_contents and in raw_input_contents. Leave one of them out.",
    ),
    "no file": (
        lambda one: setattr(one.inputs[0], "datatype", "BYTES"),
        "visible has data in uint_contents, but those of BYTES belong into bytes_contents",
    ),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_request_that_does_not_fit_is_refused_in_words(server: ModelServer, kind: str) -> None:
    change, words = UNFIT[kind]
    code, told = refused(server, "ModelInfer", changed(change))
    assert (code, words in told) == (grpc.StatusCode.INVALID_ARGUMENT, True), told


def test_bytes_that_are_too_few_are_refused_and_the_request_they_are_made_of_is_answered(server: ModelServer) -> None:
    def shorten(request: Any) -> None:
        request.raw_input_contents[1] = b"short"

    code, told = refused(server, "ModelInfer", changed(shorten, raw_request))
    assert (code, "has 5 bytes, but needs 64 bytes for [1, 8, 8, 1]" in told) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        True,
    )
    assert [len(ask(server, "ModelInfer", make()).raw_output_contents[0]) for make in (good_request, raw_request)] == [
        192,
        192,
    ]


def test_a_file_in_typed_contents_is_answered_as_its_pixels_are(server: ModelServer) -> None:
    encoded_picture = pytest.importorskip("coconet.runtime.serving.protocol.picture_codec").encoded_picture
    file = encoded_picture(np.zeros((8, 8, 3), np.uint8), PictureCoding("png"))
    sent = changed(lambda request: put_files(request, file)), good_request()
    as_file, as_pixels = (ask(server, "ModelInfer", one) for one in sent)
    assert list(as_file.raw_output_contents) == list(as_pixels.raw_output_contents)


def a_request() -> bytes:
    tensors = {"visible": np.arange(300, dtype="f4"), "infrared": np.arange(9, dtype="f4")}
    return bytes(infer_request("lite", tensors, 1.0, None, "fused"))


def an_answer() -> bytes:
    output = messages.ModelInferResponse.InferOutputTensor(name="fused", datatype="FP32", shape=[9])
    parts = [bytes(1200), b"", b"7" * 36]
    return bytes(
        messages.ModelInferResponse(model_name="lite", outputs=[output], raw_output_contents=parts).SerializeToString()
    )


PARSERS = [
    (a_request, grpc_messages.parse_infer, messages.ModelInferRequest, "raw_input_contents"),
    (an_answer, grpc_messages.parse_infer_answer, messages.ModelInferResponse, "raw_output_contents"),
]


@pytest.mark.parametrize(("make", "parse", "kind", "raw"), PARSERS, ids=["request", "answer"])
def test_messages_are_taken_apart_without_copies_as_the_library_would(
    make: Callable[[], bytes], parse: Callable[[bytes], Any], kind: Any, raw: str
) -> None:
    whole, found = kind.FromString(make()), parse(make())
    assert [bytes(part) for part in found.raw] == list(getattr(whole, raw))
    assert {type(part) for part in found.raw} == {memoryview}
    whole.ClearField(raw)
    assert found.fields == whole


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("make", "parse", "kind", "raw"), PARSERS, ids=["request", "answer"])
def test_damaged_messages_are_what_the_library_says_of_them(
    make: Callable[[], bytes], parse: Callable[[bytes], Any], kind: Any, raw: str, seed: int
) -> None:
    pick, data = np.random.default_rng(seed), bytearray(make())
    for _ in range(pick.integers(1, 4)):
        data[pick.integers(min(len(data), 200))] = pick.integers(256)
    cut = bytes(data[: pick.integers(1, len(data) + 1)])
    try:
        wanted = list(getattr(kind.FromString(cut), raw))
    except DecodeError:
        with pytest.raises(DecodeError):
            parse(cut)
    else:
        assert [bytes(part) for part in parse(cut).raw] == wanted


def test_a_request_of_a_million_empty_parts_is_left_to_the_library() -> None:
    found = parse_infer(messages.ModelInferRequest(raw_input_contents=[b""] * 10**6).SerializeToString())
    assert len(found.raw) == 10**6


def test_another_model_version_and_method_are_not_found(server: ModelServer) -> None:
    other = changed(lambda one: setattr(one, "model_name", "other"))
    version = changed(lambda one: setattr(one, "model_version", "2"))
    assert refused(server, "ModelInfer", other)[0] is grpc.StatusCode.NOT_FOUND
    assert refused(server, "ModelInfer", version)[0] is grpc.StatusCode.NOT_FOUND
    assert refused(server, "ModelMetadata", messages.ModelMetadataRequest(name="other"))[0] is grpc.StatusCode.NOT_FOUND
    shared = messages.SystemSharedMemoryStatusRequest()
    assert refused(server, "SystemSharedMemoryStatus", shared)[0] is grpc.StatusCode.UNIMPLEMENTED


def test_with_a_token_only_health_is_told_to_those_who_do_not_know_it() -> None:
    with serving("average", "average", token=TOKEN) as running:
        bearer = ("authorization", f"Bearer {TOKEN}")
        assert ask(running, "ServerReady", messages.ServerReadyRequest()).ready
        asked = messages.ModelMetadataRequest(name="average")
        assert refused(running, "ModelMetadata", asked)[0] is grpc.StatusCode.UNAUTHENTICATED
        assert ask(running, "ModelMetadata", asked, bearer).name == "average"
        request = changed(lambda one: setattr(one, "model_name", "average"))
        assert refused(running, "ModelInfer", request)[0] is grpc.StatusCode.UNAUTHENTICATED
        assert len(ask(running, "ModelInfer", request, bearer).outputs) == 1


def test_a_request_beyond_the_limit_is_refused() -> None:
    with serving("average", "average", largest_body=100) as running:
        request = changed(lambda one: setattr(one, "model_name", "average"))
        assert refused(running, "ModelInfer", request)[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


class HeldBackend:
    """Averages once it is let go, but for the pair it is warmed up with."""

    name = "held"

    def __init__(self) -> None:
        self.card: ModelCard = rule_card("average")
        self.begun, self.let_go = Event(), Event()

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        if visible.shape[0] < 100:
            self.begun.set()
            assert self.let_go.wait(PATIENCE_S)
        return BaselineBackend("average").fuse(visible, infrared)

    def close(self) -> None:
        """Nothing is held."""


def test_a_full_queue_and_a_deadline_have_their_status() -> None:
    held, limits = HeldBackend(), QueueLimits(waiting=1, deadline_s=PATIENCE_S)
    request = changed(lambda one: setattr(one, "model_name", "held"))
    with (
        ModelServer("held", lambda: held, ServerSettings(port=0, grpc_port=0, limits=limits)) as running,
        ThreadPoolExecutor() as pool,
    ):
        first = pool.submit(ask, running, "ModelInfer", request)
        assert held.begun.wait(PATIENCE_S)
        request.parameters["timeout"].int64_param = 1
        others = [pool.submit(ask, running, "ModelInfer", request) for _ in range(3)]
        turned_away, waiting = wait(others, PATIENCE_S, FIRST_COMPLETED)
        while len(waiting) > 1:
            more, waiting = wait(waiting, PATIENCE_S, FIRST_COMPLETED)
            turned_away |= more
        held.let_go.set()
    assert first.result().model_name == "held"
    assert [code_of(one) for one in turned_away] == [grpc.StatusCode.UNAVAILABLE] * 2
    assert [code_of(one) for one in waiting] == [grpc.StatusCode.DEADLINE_EXCEEDED]


def code_of(call: Future[Any]) -> Any:
    error: Any = call.exception()
    return error.code()


def test_a_port_that_is_taken_is_refused(server: ModelServer) -> None:
    taken = urlsplit(f"//{server.grpc_address}").port
    settings = ServerSettings(port=0, grpc_port=taken)
    choice = choose_backend("average")
    with pytest.raises(CoconetError, match="cannot be opened: it is not of this machine, or already in use") as told:
        ModelServer("average", lambda: open_served(choice), settings).__enter__()
    assert told.value.exit_code == 6
