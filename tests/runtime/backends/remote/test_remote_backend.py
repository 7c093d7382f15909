"""A model on a server, reached over a link that delays, swallows and cuts: what is shown, and what never is."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from coconet.errors import CoconetError
from coconet.metrics.fusion import psnr
from coconet.runtime.backends.backend import Answer, Outages
from coconet.runtime.backends.open_backend import open_backend
from coconet.runtime.backends.remote import backend as remote
from coconet.runtime.backends.remote.backend import RemoteBackend, served_card
from coconet.runtime.backends.remote.grpc_model import GrpcModel, reason_in
from coconet.runtime.backends.remote.http_model import HttpModel
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.backends.remote.server_link import LOST_S, ServerLink
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.serving.model_server import ModelServer
from coconet.runtime.serving.protocol.picture_coding import PictureCoding
from coconet.runtime.serving.protocol.tensor_spec import TensorSpec
from coconet.runtime.serving.protocol.wire import HEADER_LENGTH, pack_request, read_answer
from tests.support.programs.command_line import command
from tests.support.programs.patience import PATIENCE_S
from tests.support.servers.averaging_server import address_of, averaging_server, level, link_to, shown, until
from tests.support.servers.bad_link import BadLink


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    with averaging_server(tmp_path_factory.mktemp("model")) as running:
        yield running


@pytest.fixture(params=["http", "grpc"])
def link(server: ModelServer, request: pytest.FixtureRequest) -> Iterator[BadLink]:
    with link_to(server, request.param) as made:
        yield made


def test_a_served_model_fuses_as_it_does_here_and_brings_its_card(server: ModelServer, link: BadLink) -> None:
    levels = np.random.default_rng(1)
    pair = levels.integers(0, 256, (24, 32, 3), np.uint8), levels.integers(0, 256, (24, 32, 1), np.uint8)
    with closing(RemoteBackend(address_of(link))) as backend:
        assert backend.card.network == "tiny"
        assert backend.fuse(*pair).shape == pair[0].shape
        gray = backend.fuse(pair[1], pair[1])
        assert (gray.shape, gray.tobytes()) == (pair[1].shape, pair[1].tobytes())
        with pytest.raises(CoconetError, match="the visible one is 24x32"):
            backend.fuse(pair[0], pair[1][:8])


def test_pairs_are_answered_each_by_its_own_picture_however_many_are_under_way(link: BadLink) -> None:
    with closing(RemoteBackend(address_of(link), depth=4)) as backend:
        sent = [backend.send(*level(value)) for value in range(20)]
        assert [shown(backend.receive(one)) for one in sent] == list(range(20))


def test_a_late_picture_is_dropped_and_never_shown_for_a_later_pair(link: BadLink) -> None:
    with closing(RemoteBackend(address_of(link), depth=2, late_s=0.2)) as backend:
        backend.fuse(*level(1))
        backend.keep_up(live=True)
        link.delay_s = 0.4
        late = [backend.receive(backend.send(*level(value))) for value in (50, 51)]
        assert late == [Answer(None), Answer(None)]
        link.repair()
        time.sleep(0.5)  # what was late comes now, to a connection that was given up
        until(lambda: not backend.trouble)
        backend.keep_up(live=False)
        assert [shown(backend.receive(backend.send(*level(value)))) for value in (90, 91, 92)] == [90, 91, 92]


@pytest.mark.parametrize("coding", ["png", "jpeg:95"])
def test_pictures_may_travel_as_files_and_png_loses_nothing(link: BadLink, coding: str) -> None:
    ramp = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)[:, :, None]
    pair = ramp.repeat(3, 2), ramp[::-1].copy()
    with closing(RemoteBackend(address_of(link), coding=PictureCoding.parse(coding))) as backend:
        fused = backend.fuse(*pair)
    with closing(RemoteBackend(address_of(link))) as backend:
        wanted = backend.fuse(*pair)
    assert fused.shape == wanted.shape
    near = psnr(fused[:, :, 0], wanted[:, :, 0])
    assert near == float("inf") if coding == "png" else 30 < near < 60


def test_a_server_that_does_not_take_pictures_as_files_is_refused(
    link: BadLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coconet.runtime.backends.remote.backend.codings_of_config", lambda _: ("png",))
    with pytest.raises(CoconetError, match="does not take pictures as jpeg, only as png"):
        served_card(address_of(link), PictureCoding("jpeg"))


@pytest.mark.parametrize("text", ["jpg", "jpeg:0", "jpeg:101", "png:9", "jpeg:", ""])
def test_how_pictures_travel_is_one_of_a_few_words(text: str) -> None:
    with pytest.raises(CoconetError, match="--travel-as must be raw, png, jpeg"):
        PictureCoding.parse(text)


def test_when_the_link_is_cut_the_local_model_takes_over_at_once_and_gives_back(
    link: BadLink, caplog: pytest.LogCaptureFixture
) -> None:
    local, address = BaselineBackend("maximum"), address_of(link)
    caplog.set_level(logging.INFO, "coconet.run")
    with closing(RemoteBackend(address_of(link), local, late_s=PATIENCE_S)) as backend:
        backend.keep_up(live=True)
        assert backend.receive(backend.send(*level(7))).notice == ""
        link.cut()
        taken_over = [backend.receive(backend.send(*level(value))) for value in (8, 9)]
        assert [shown(answer) for answer in taken_over] == [8, 9]
        assert all(answer.notice.startswith("server lost, maximum takes over: ") for answer in taken_over)
        assert all(answer.taken_over for answer in taken_over)
        link.repair()
        until(lambda: not backend.trouble)
        later = [backend.receive(backend.send(*level(value))) for value in range(10, 30)]
        assert ({answer.notice for answer in later}, any(answer.taken_over for answer in later)) == ({""}, False)
    told = [record.fields["server"] for record in caplog.records if record.message == "server"]  # type: ignore[attr-defined]
    assert told == [f"model {address.model} at {address.scheme}://127.0.0.1:{address.port}"] * 2


def test_a_link_too_slow_for_pictures_stays_lost_however_often_its_server_says_that_it_is_ready(
    link: BadLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ask = list[bool](), RemoteBackend._is_back

    def note(backend: RemoteBackend) -> bool:
        asked.append(ask(backend))
        return asked[-1]

    monkeypatch.setattr(RemoteBackend, "_is_back", note)
    monkeypatch.setattr(GrpcModel, "is_ready", lambda *_: True)
    monkeypatch.setattr(HttpModel, "is_ready", lambda *_: True)
    with closing(RemoteBackend(address_of(link), BaselineBackend("maximum"), late_s=0.2)) as backend:
        backend.keep_up(live=True)
        link.silent.set()
        until(lambda: bool(backend.receive(backend.send(*level(60))).notice))
        until(lambda: len(asked) == 2)
        assert (asked, backend.trouble) == ([False, False], "it does not answer")
        link.repair()
        until(lambda: not backend.trouble)
        backend.keep_up(live=False)  # whatever was open during the silence is out of step: none of it is used any more
        later = [backend.receive(backend.send(*level(value))) for value in range(10, 30)]
        assert ([shown(answer) for answer in later], {answer.notice for answer in later}) == ([*range(10, 30)], {""})


def test_without_a_local_model_a_lost_server_is_a_notice_in_live_pictures_and_an_error_in_recordings(
    link: BadLink,
) -> None:
    with closing(RemoteBackend(address_of(link), late_s=PATIENCE_S)) as backend:
        backend.keep_up(live=True)
        link.cut()
        answer = backend.receive(backend.send(*level(7)))
        assert (answer.pixels, answer.notice.startswith("server lost: ")) == (None, True)
        backend.keep_up(live=False)
        with pytest.raises(CoconetError, match="cannot be reached|is lost|does not answer"):
            backend.fuse(*level(8))


def test_a_server_that_falls_silent_is_lost_within_a_second_of_rig_time(link: BadLink) -> None:
    with closing(RemoteBackend(address_of(link), BaselineBackend("average"), late_s=0.05)) as backend:
        backend.fuse(*level(1))
        backend.keep_up(live=True)
        link.silent.set()
        begun_s, dropped = time.monotonic(), 0
        while not (answer := backend.receive(backend.send(*level(60)))).notice:
            assert answer.pixels is None
            dropped += 1
        assert shown(answer) == 60
        assert dropped >= 1
        assert time.monotonic() - begun_s >= LOST_S


def test_a_link_is_asked_at_growing_intervals_and_is_lost_after_half_a_second_of_silence() -> None:
    now_s, back = [0.0], Event()
    with ServerLink("server", back.is_set, lambda: now_s[0]) as link:
        link.note_sent()
        now_s[0] = 0.4
        link.note_silence()
        assert link.trouble == ""
        now_s[0] = 0.5
        link.note_silence()
        assert link.trouble == "it does not answer"
        now_s[0] = 2.5
        assert link.outages == Outages(1, 2.0)
        back.set()
        until(lambda: not link.trouble)
        now_s[0] = 9.0
        assert link.outages == Outages(1, 2.0)
        link.note_silence()
        assert link.trouble == ""


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ("RPC Error ipv4:127.0.0.1:9: recvmsg:Connection reset by peer (104)", "Connection reset by peer"),
        ("all failed; last error: UNAVAILABLE: ipv4:127.0.0.1:9: (sendmsg: Broken pipe (32))", "Broken pipe"),
        ("Socket closed", "Socket closed"),
        ("", ""),
    ],
)
def test_of_what_grpc_says_a_picture_shows_only_what_the_system_said(details: str, said: str) -> None:
    assert reason_in(details) == said


ADDRESSES = {
    "https://host/lite": "cannot be https",
    "grpcs://host/lite": "cannot be grpcs",
    "grpc://host/a/b": "--server must be http:// or grpc://",
    "http://me:secret@host/lite": "has a user or a password",
    "http://host": "--server must be http:// or grpc://",
    "http://host/v2/models": "--server must be http:// or grpc://",
    "http://host/v2/models/": "--server must be http:// or grpc://",
    "http://host/v2/models/a/infer": "--server must be http:// or grpc://",
    "grpc://host/v2/models/a": "--server must be http:// or grpc://",
    "http://host/a/b": "--server must be http:// or grpc://",
    "http://host:port/lite": "--server must be http:// or grpc://",
    "host:8000/lite": "--server must be http:// or grpc://",
    "http://host/lite?x=1": "--server must be http:// or grpc://",
    "": "--server must be http:// or grpc://",
}


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CoconetError, match=ADDRESSES[text]) as told:
        ServerAddress.parse(text)
    assert "secret" not in str(told.value)
    assert "***" not in told.value.wanted


def test_an_address_names_server_and_model() -> None:
    assert ServerAddress.parse("http://[::1]:9/lite-int8", "t") == ServerAddress("::1", 9, "lite-int8", "t")
    assert str(ServerAddress.parse("http://[::1]:9/lite-int8", "t")) == "http://[::1]:9/lite-int8"
    assert ServerAddress.parse("http://rig/lite").port == 8000
    assert str(ServerAddress.parse("grpc://rig/lite")) == "grpc://rig:8001/lite"
    for model in ("lite", "night shift"):
        address = ServerAddress("rig", 8711, model)
        assert ServerAddress.parse(f"http://rig:8711{address.path}") == address


def test_a_server_without_the_model_or_without_anything_is_named(server: ModelServer, link: BadLink) -> None:
    with pytest.raises(CoconetError, match="404: model other is not served here, only tiny") as told:
        served_card(address_of(link, "other"))
    assert told.value.where == f"model other at {link.scheme}://127.0.0.1:{link.port}"
    link.cut()
    with pytest.raises(CoconetError, match="cannot be reached|is lost|does not answer"):
        served_card(address_of(link))


def test_what_is_sent_is_what_tritons_client_sends_and_it_reads_what_is_answered() -> None:
    http = pytest.importorskip("tritonclient.http", reason="compares with Triton's client: pip install tritonclient")
    pair, inputs = level(9), []
    for name, pixels in zip(("visible", "infrared"), pair, strict=True):
        inputs.append(http.InferInput(name, [1, *pixels.shape], "UINT8"))
        inputs[-1].set_data_from_numpy(pixels[None])
    theirs, length = http.InferenceServerClient.generate_request_body(inputs)
    ours = pack_request({"visible": pair[0][None], "infrared": pair[1][None]})
    here = int(ours.headers[HEADER_LENGTH])
    first, second = json.loads(theirs[:length]), json.loads(ours.body[:here])
    assert first["parameters"] == second["parameters"]
    assert [sorted(one.items(), key=str) for one in first["inputs"]] == [
        sorted(one.items(), key=str) for one in second["inputs"]
    ]
    assert theirs[length:] == ours.body[here:]


def test_a_rig_is_fused_by_a_server_and_by_the_local_model_after_it_is_lost(
    server: ModelServer, link: BadLink, tmp_path: Path
) -> None:
    synthetic = "synthetic://?width=32&height=32&duration_s=0.4"
    words = ("run", "--visible", synthetic, "--infrared", synthetic, "--backend", "remote")
    address = f"{link.scheme}://127.0.0.1:{link.port}/tiny"
    good = command(*words, "--server", address, "--out", tmp_path / "fused")
    named = f"server of model {address_of(link).model} at {link.scheme}://127.0.0.1"
    assert (good.code, named in " ".join(good.out.split())) == (0, True), good.err
    here = command(*words[:-2], "--model", "average", "--out", tmp_path / "here")
    assert here.code == 0
    assert len(list((tmp_path / "fused").iterdir())) == len(list((tmp_path / "here").iterdir()))
    for lacking, told in (
        (words, "needs the address of a served model"),
        ((*words[:-2], "--server", address), "Pass --backend remote"),
        *(
            ((*words[:-2], option, value), f"{option} applies to --backend remote only")
            for option, value in (
                *(("--travel-as", "png"), ("--travel-as", "raw"), ("--late-ms", 250), ("--in-flight", 4)),
                *(("--server-token", "word"), ("--local-model", "average")),
            )
        ),
        ((*words, "--server", address, "--model", "average"), "--model average applies to a model of this machine"),
        ((*words, "--server", address, "lite"), "--model lite applies to a model of this machine"),
        ((*words, "--server", address, "--local-model", "gone.onnx"), "does not exist"),
    ):
        ended = command(*lacking)
        assert (ended.code, told in ended.err) == (2, True), ended.err
    link.cut()
    lost = command(*words, "--server", address)
    assert (lost.code, "cannot be reached" in lost.err) == (4, True), lost.err
    begun = command(*words, "--server", address, "--local-model", "maximum", "--out", tmp_path / "local")
    assert begun.code == 0, begun.err
    assert "maximum fuses until it is there" in begun.err.replace("\n", " ")
    assert len(list((tmp_path / "local").iterdir())) == len(list((tmp_path / "here").iterdir()))
    assert "of the local model" in begun.out
    assert "lost once" in begun.out


def test_only_runs_ask_servers() -> None:
    with pytest.raises(CoconetError, match="backend must be auto or ort"):
        open_backend("lite", "remote")


def test_an_answer_without_the_picture_is_refused() -> None:
    with pytest.raises(CoconetError, match="has no output fused"):
        read_answer(b'{"outputs": []}', None, TensorSpec("fused", "UINT8", (1, -1, -1, 3)))


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_takes_a_connection_and_says_nothing_is_given_up_and_was_told_of(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(remote, "ASK_S", 0.3)

    def note(doing: str) -> AbstractContextManager[None]:
        shown.append(doing)
        return nullcontext()

    monkeypatch.setattr(remote, "working", note)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = ServerAddress.parse(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/tiny")
        with pytest.raises(CoconetError, match="does not answer in time"):
            served_card(address)
    assert shown == [f"asking {address} what it serves, for 0.3 s at most"]
