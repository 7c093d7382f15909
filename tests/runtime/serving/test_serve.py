"""A served model as clients meet it: Triton's own client, plain HTTP, and requests that do not fit."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from coconet.cards.model_card import ModelCard
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.runtime.serving.model_config import card_of_config, codings_of_config
from coconet.runtime.serving.model_server import ModelServer
from coconet.runtime.serving.protocol.wire import HEADER_LENGTH, pack_request
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.programs.patience import PATIENCE_S
from tests.support.servers.served_model import ask, changed, good_request, serving

TOKEN = "correct-horse-battery"  # noqa: S105 - of these tests only


def triton_client(server: ModelServer) -> Any:
    http = pytest.importorskip("tritonclient.http", reason="asks as Triton's client: pip install tritonclient[http]")
    return http, http.InferenceServerClient(urlsplit(server.url).netloc, network_timeout=PATIENCE_S)


def triton_inputs(http: Any, pair: tuple[Pixels, Pixels], *, binary: bool) -> list[Any]:
    inputs = []
    for name, pixels in zip(("visible", "infrared"), pair, strict=True):
        one = http.InferInput(name, [1, *pixels.shape], "UINT8")
        one.set_data_from_numpy(pixels[None], binary_data=binary)
        inputs.append(one)
    return inputs


@pytest.mark.parametrize("sent_binary", [True, False])
@pytest.mark.parametrize("got_binary", [True, False])
def test_tritons_client_gets_what_onnx_runtime_gives_byte_for_byte(
    server: ModelServer, pair: tuple[Pixels, Pixels], bare: Pixels, sent_binary: bool, got_binary: bool
) -> None:
    http, client = triton_client(server)
    outputs = [http.InferRequestedOutput("fused", binary_data=got_binary)]
    with closing(client):
        inputs = triton_inputs(http, pair, binary=sent_binary)
        answer = client.infer("lite", inputs, model_version="1", outputs=outputs, request_id="a pair")
    fused = answer.as_numpy("fused")
    assert fused.astype(np.uint8).tobytes() == bare.tobytes()
    assert answer.get_response()["id"] == "a pair"


def test_tritons_client_learns_what_is_served(server: ModelServer) -> None:
    _, client = triton_client(server)
    with closing(client):
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("lite")
        assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
        metadata, config = client.get_model_metadata("lite"), client.get_model_config("lite")
    shapes = {one["name"]: (one["datatype"], one["shape"]) for one in [*metadata["inputs"], *metadata["outputs"]]}
    assert shapes == {
        "visible": ("UINT8", [1, -1, -1, 3]),
        "infrared": ("UINT8", [1, -1, -1, 1]),
        "fused": ("UINT8", [1, -1, -1, 3]),
    }
    card = card_of_config(config, "the server")
    assert codings_of_config(config) == ("jpeg", "png")
    assert isinstance(card, ModelCard)
    assert card.network == "lite"


@pytest.mark.parametrize("model", ["", "lite"])
def test_tritons_client_hears_that_there_are_no_statistics(server: ModelServer, model: str) -> None:
    _, client = triton_client(server)
    refusal = pytest.importorskip("tritonclient.utils").InferenceServerException
    with closing(client), pytest.raises(refusal, match="statistics are not served here. Read the counts at /metrics"):
        client.get_inference_statistics(model)


def test_a_model_that_is_named_as_the_statistics_are_is_served(pair: tuple[Pixels, Pixels]) -> None:
    with serving("average", "stats") as running:
        status, _, said = ask(running, "GET", "/v2/models/stats")
        assert (status, json.loads(said)["name"]) == (200, "stats")
        assert ask(running, "GET", "/v2/models/stats/stats")[0] == 404


def test_tritons_client_hears_in_words_what_does_not_fit(server: ModelServer, pair: tuple[Pixels, Pixels]) -> None:
    http, client = triton_client(server)
    refusal = pytest.importorskip("tritonclient.utils").InferenceServerException
    with closing(client), pytest.raises(refusal, match="model other is not served here, only lite") as told:
        client.infer("other", triton_inputs(http, pair, binary=True))
    assert told.value.status() == "404"


NAMED = {"name": "visible", "data": [0] * 192}

GOOD_BODY = json.dumps(good_request()).encode()

UNFIT = {
    "type": (changed("inputs.0.datatype", "FP32"), "visible must have the datatype UINT8, not FP32"),
    "shape of another rank": (changed("inputs.0.shape", [8, 8, 3]), "must be [1, any, any, 3], not [8, 8, 3]"),
    "shape of another depth": (changed("inputs.1.shape", [1, 8, 8, 3]), "must be [1, any, any, 1], not [1, 8, 8, 3]"),
    "two pairs at once": (changed("inputs.0.shape", [2, 8, 8, 3]), "must be [1, any, any, 3], not [2, 8, 8, 3]"),
    "no pixels": (changed("inputs.0.shape", [1, 0, 8, 3]), "not [1, 0, 8, 3]"),
    "a negative side": (changed("inputs.0.shape", [1, -1, 8, 3]), "not [1, -1, 8, 3]"),
    "a side that is text": (changed("inputs.0.shape", [1, "8", 8, 3]), "must be a list of whole numbers"),
    "a side that is true": (changed("inputs.0.shape", [True, 8, 8, 3]), "must be a list of whole numbers"),
    "another size for each": (
        changed("inputs.1", {**good_request()["inputs"][1], "shape": [1, 4, 16, 1]}),
        "but the visible one is",
    ),
    "name": (changed("inputs.0.name", "left"), "must be visible and infrared, not left, infrared"),
    "one name twice": (changed("inputs.0.name", "infrared"), "not infrared, infrared"),
    "no inputs": (changed("inputs", None), "inputs must be a list of tensors"),
    "too few numbers": (changed("inputs.0.data", [0] * 191), "must be 192 whole numbers, not 191"),
    "too many numbers": (changed("inputs.0.data", [0] * 193), "must be 192 whole numbers, not 193"),
    "fractions": (changed("inputs.0.data", [0.5] * 192), "not 192 numbers that are not all whole"),
    "numbers beyond a byte": (changed("inputs.0.data", [256] * 192), "must be levels of 0 to 255, not 256 to 256"),
    "negative numbers": (changed("inputs.0.data", [-1] * 192), "must be levels of 0 to 255, not -1 to -1"),
    "text for numbers": (changed("inputs.0.data", ["0"] * 192), "other values"),
    "truths for numbers": (changed("inputs.0.data", [True] * 192), "other values"),
    "ragged lists": (changed("inputs.0.data", [[0], [0, 0]]), "numbers in lists of one length"),
    "an empty list of data": (changed("inputs.0.data", []), "data must be 192 whole numbers, not none"),
    "lists of another form": (
        changed("inputs.0.data", np.zeros((1, 4, 16, 3), int).tolist()),
        "must be flat, or in lists of the form [1, 8, 8, 3], not in lists of the form [1, 4, 16, 3]. Correct data or",
    ),
    "lists of another depth": (changed("inputs.0.data", [[0, 0, 0]] * 64), "not in lists of the form [64, 3]"),
    "no data": (changed("inputs.0.data", None), "has neither data nor bytes after the JSON"),
    "another output": (changed("outputs", [{"name": "depth"}]), "outputs must be fused, not depth"),
    "classes": (
        changed("outputs", [{"name": "fused", "parameters": {"classification": 3}}]),
        "the output is given whole",
    ),
    "a sequence": (changed("parameters", {"sequence_id": 7}), "every request stands by itself"),
    "a timeout that is text": (changed("parameters", {"timeout": "soon"}), "microseconds as a whole number"),
    "an id that is none": (changed("id", 7), "must be a text"),
    "a timeout in a wrong place": (
        changed("timeout", 20),
        'timeout belongs into parameters. Send "parameters": {"timeout": ...}, in microseconds.',
    ),
    "a timeout almost right in a wrong place": (
        changed("timeout_ms", 20),
        'field timeout_ms is not known. Did you mean timeout? Send "parameters": {"timeout": ...}, in microseconds.',
    ),
    "a sequence in a wrong place": (changed("sequence_id", 7), "sequence_id belongs into parameters"),
    "a field almost right": (changed("output", []), "field output is not known. Did you mean outputs?"),
    "a parameter almost right": (changed("parameters", {"timeout_ms": 7}), "timeout_ms is not known. Did you mean"),
    "inputs in capitals": (b'{"Inputs": []}', "field Inputs is not known. Did you mean inputs?"),
    "one input": (b'{"input": []}', "field input is not known. Did you mean inputs?"),
    "a shape almost right": (
        changed("inputs.0", {**NAMED, "datatype": "UINT8", "shapes": [1, 8, 8, 3]}),
        "inputs, field shapes is not known. Did you mean shape?",
    ),
    "a type almost right": (
        changed("inputs.0", {**NAMED, "datatyp": "UINT8", "shape": [1, 8, 8, 3]}),
        "inputs, field datatyp is not known. Did you mean datatype?",
    ),
    "a name almost right": (changed("outputs", [{"Name": "fused"}]), "outputs, field Name is not known. Did you mean"),
    "a number for true": (
        changed("outputs", [{"name": "fused", "parameters": {"binary_data": 1}}]),
        "parameter binary_data must be true or false, not 1. Correct it.",
    ),
    "a word for true": (changed("parameters", {"binary_data_output": "yes"}), 'must be true or false, not "yes"'),
    "a parameter of an output almost right": (
        changed("outputs", [{"name": "fused", "parameters": {"binarydata": True}}]),
        "outputs, parameter binarydata is not known. Did you mean binary_data?",
    ),
    "cut off": (GOOD_BODY[:-9], f"must be a JSON object, but is cut off after {len(GOOD_BODY) - 9} bytes"),
    "cut off in a name": (b'{"inputs": [{"na', "but is cut off after 16 bytes. Send all of it; check Content-Length."),
    "a comma too many": (b'{"inputs":\n [],}', "but is not valid JSON at line 2, column 5"),
    "no JSON": (b"\x00\xff", "must be a JSON object"),
    "a list": (b"[]", "must be a JSON object"),
    "lists without end": (b"[" * 100_000, "must be a JSON object"),
    "no number": (b'{"inputs": NaN}', "must be a JSON object"),
    "nothing": (b"", "must be a JSON object, but is empty"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_request_that_does_not_fit_is_refused_in_words(server: ModelServer, kind: str) -> None:
    body, words = UNFIT[kind]
    status, _, said = ask(server, "POST", "/v2/models/lite/infer", body)
    assert (status, words in json.loads(said)["error"]) == (400, True), said


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/v2/models/lite/infer", 405, "GET is not answered at this address. Use POST."),
        ("POST", "/v2", 405, "POST is not answered at this address. Use GET, HEAD."),
        (
            "GET",
            "/v2/modles",
            404,
            "There is nothing at this address. Pairs are sent by POST to /v2/models/MODEL/infer.",
        ),
    ],
)
def test_an_address_or_a_method_that_is_none_is_said_in_a_sentence(
    server: ModelServer, method: str, path: str, status: int, words: str
) -> None:
    found, headers, said = ask(server, method, path)
    assert (found, words in json.loads(said)["error"]) == (status, True), said
    assert ("allow" in headers) == (status == 405)


def test_a_field_of_an_extension_is_passed_over(server: ModelServer) -> None:
    body = json.dumps({**good_request(), "priority": 1, "my_trace": "a", "parameters": {"priority": 2}}).encode()
    assert ask(server, "POST", "/v2/models/lite/infer", body)[0] == 200


def test_lists_of_the_form_of_the_shape_are_what_a_flat_list_is(server: ModelServer) -> None:
    levels, flat = np.arange(192).reshape(1, 8, 8, 3), json.loads(changed("id", "a"))
    nested = json.loads(changed("id", "a"))
    flat["inputs"][0]["data"], nested["inputs"][0]["data"] = levels.ravel().tolist(), levels.tolist()
    said = [ask(server, "POST", "/v2/models/lite/infer", json.dumps(one).encode()) for one in (flat, nested)]
    assert (said[0][0], said[0][2]) == (200, said[1][2])


def test_data_that_come_twice_are_refused(server: ModelServer) -> None:
    head = changed("inputs.0.parameters", {"binary_data_size": 192})
    status, _, said = ask(server, "POST", "/v2/models/lite/infer", head + bytes(192), {HEADER_LENGTH: str(len(head))})
    assert (status, "visible has both data and bytes after the JSON" in json.loads(said)["error"]) == (400, True), said


def test_the_request_they_are_made_of_is_answered(server: ModelServer) -> None:
    status, headers, said = ask(server, "POST", "/v2/models/lite/versions/1/infer", json.dumps(good_request()).encode())
    (fused,) = json.loads(said)["outputs"]
    assert (status, headers["content-type"], fused["shape"]) == (200, "application/json", [1, 8, 8, 3])
    assert len(fused["data"]) == 192


LENGTHS = {
    "longer than the body": ("1000000", 0, "the number of bytes of JSON in the body"),
    "no number": ("ten", 0, "the number of bytes of JSON in the body"),
    "negative": ("-1", 0, "the number of bytes of JSON in the body"),
    "a number of a thousand digits": ("9" * 1000, 0, "the number of bytes of JSON in the body"),
    "one byte short": ("", -1, "infrared has 3071 bytes, but needs 3072 bytes for [1, 48, 64, 1]"),
    "one byte long": ("", 1, "has 12289 bytes after its JSON, but its inputs say 12288"),
}


@pytest.mark.parametrize("kind", LENGTHS)
def test_bytes_that_are_not_as_many_as_was_said_are_refused(
    server: ModelServer, pair: tuple[Pixels, Pixels], kind: str
) -> None:
    length, more, words = LENGTHS[kind]
    packed = pack_request({"visible": pair[0][None], "infrared": pair[1][None]})
    body = packed.body + b"\0" if more > 0 else packed.body[: len(packed.body) + more]
    headers = {**packed.headers, **({HEADER_LENGTH: length} if length else {})}
    status, _, said = ask(server, "POST", "/v2/models/lite/infer", body, headers)
    assert (status, words in json.loads(said)["error"]) == (400, True), said


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v2/models/other/infer", "model other is not served here, only lite"),
        ("/v2/models/lite/versions/2/infer", "version 2 is not served here, only 1"),
        ("/v2/models/lite/nothing", "There is nothing at this address"),
    ],
)
def test_another_model_version_or_address_is_not_found(server: ModelServer, path: str, words: str) -> None:
    status, _, said = ask(server, "POST", path, json.dumps(good_request()).encode())
    assert (status, words in json.loads(said)["error"]) == (404, True), said


def test_a_compressed_body_and_another_method_are_refused(server: ModelServer) -> None:
    packed = ask(server, "POST", "/v2/models/lite/infer", b"\x1f\x8b", {"Content-Encoding": "gzip"})
    assert (packed[0], "Content-Encoding is not supported" in json.loads(packed[2])["error"]) == (415, True)
    assert ask(server, "GET", "/v2/models/lite/infer")[0] == 405


def test_what_was_asked_is_counted(server: ModelServer) -> None:
    ask(server, "POST", "/v2/models/lite/infer", json.dumps(good_request()).encode())
    ask(server, "POST", "/v2/models/lite/infer", b"{}")
    told = ask(server, "GET", "/metrics")[2].decode()
    counts = dict(line.rsplit(" ", 1) for line in told.splitlines() if line.startswith("coconet_server_requests_total"))
    assert float(counts['coconet_server_requests_total{status="200"}']) >= 1
    assert float(counts['coconet_server_requests_total{status="400"}']) >= 1
    assert 'coconet_server_info{backend="ONNX Runtime' in told
    assert "coconet_server_waiting 0.0" in told


def test_a_size_that_the_model_does_not_take_is_the_fault_of_the_client(tmp_path: Path) -> None:
    with serving(write_averaging_model(tmp_path / "tiny.onnx", 3, (16, 16)), "tiny") as running:
        body = json.dumps(good_request()).encode()
        status, _, said = ask(running, "POST", "/v2/models/tiny/infer", body)
    assert (status, "must be [1, 16, 16, 3], not [1, 8, 8, 3]" in json.loads(said)["error"]) == (400, True)


def test_a_body_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with serving("average", "average", largest_body=1000) as running:
        for body in (b"x" * 1001, [b"x" * 1001]):  # of known length, and in chunks
            status, _, said = ask(running, "POST", "/v2/models/average/infer", body)
            told = json.loads(said)["error"]
            assert (status, told.startswith("The request has more than 0.001 MB, the limit here. ")) == (413, True)
            assert told.endswith("or start the server with a higher --limit-mb.")
        assert b'requests_total{status="500"}' not in ask(running, "GET", "/metrics")[2]


def test_with_a_token_only_health_is_told_to_those_who_do_not_know_it(tmp_path: Path) -> None:
    with serving("average", "average", token=TOKEN) as running:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert ask(running, "GET", "/v2/health/ready")[0] == 200
        status, headers, said = ask(running, "GET", "/")
        assert json.loads(said)["error"].startswith("A token is needed")
        assert (status, headers["www-authenticate"], "location" in headers) == (401, "Bearer", False)
        for path in ("/v2", "/metrics", "/v2/models/average", "/v2/models/average/config"):
            assert (ask(running, "GET", path)[0], ask(running, "GET", path, headers=bearer)[0]) == (401, 200)
        body = json.dumps(good_request()).encode()
        assert ask(running, "POST", "/v2/models/average/infer", body)[0] == 401
        assert ask(running, "POST", "/v2/models/average/infer", body, bearer)[0] == 200


def test_others_are_let_in_with_a_token_only_and_under_no_foreign_name(server: ModelServer) -> None:
    with pytest.raises(CoconetError, match="--token has .* characters, fewer than 16|--token is missing"):
        serving("average", "average", host="0.0.0.0")  # noqa: S104 - refused
    assert ask(server, "GET", "/v2", headers={"Host": "rebound.example"})[0] == 421
    assert ask(server, "GET", "/v2", headers={"Origin": "http://elsewhere.example"})[0] == 403
