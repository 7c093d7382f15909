"""A server of a model at the start of a run: down, refusing, or with another model than was hoped for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from coconet.errors import CoconetError
from coconet.runtime.backends.choice import choose_backend
from coconet.runtime.backends.remote import backend as remote
from coconet.runtime.backends.remote.backend import RemoteBackend, served_card
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.serving.model_server import ModelServer, ServerSettings, open_served
from tests.support.models.tiny_onnx import write_averaging_model
from tests.support.programs.patience import PATIENCE_S
from tests.support.servers.averaging_server import PATIENT, address_of, averaging_server, level, link_to, shown, until
from tests.support.servers.bad_link import BadLink


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    with averaging_server(tmp_path_factory.mktemp("model")) as running:
        yield running


@pytest.fixture(params=["http", "grpc"])
def link(server: ModelServer, request: pytest.FixtureRequest) -> Iterator[BadLink]:
    with link_to(server, request.param) as made:
        yield made


@pytest.mark.parametrize("live", [True, False])
def test_a_server_that_is_down_at_the_start_is_asked_until_it_is_there(link: BadLink, *, live: bool) -> None:
    link.cut()
    with closing(RemoteBackend(address_of(link), BaselineBackend("maximum"), late_s=PATIENCE_S)) as backend:
        backend.keep_up(live=live)
        first = backend.receive(backend.send(*level(7)))
        assert (shown(first), first.taken_over, backend.outages.times) == (7, True, 1)
        link.repair()
        until(lambda: not backend.trouble)
        later = backend.receive(backend.send(*level(9)))
        assert (shown(later), later.taken_over, backend.card.network) == (9, False, "tiny")


def test_a_server_that_refuses_at_the_start_ends_it_also_beside_a_local_model(link: BadLink) -> None:
    with pytest.raises(CoconetError, match="404: model other is not served here"):
        RemoteBackend(address_of(link, "other"), BaselineBackend("maximum"))


def test_a_model_of_other_pictures_that_comes_later_is_warned_of_and_never_asked(
    link: BadLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.cut()
    warnings = list[str]()
    monkeypatch.setattr(remote, "warn_once", warnings.append)
    with closing(RemoteBackend(address_of(link), BaselineBackend("maximum"))) as backend:
        served = replace(backend.card, height_px=64, width_px=64)
        monkeypatch.setattr(remote, "served_card", lambda *_, **__: served)
        backend.receive(backend.send(*level(7)))
        link.repair()
        until(lambda: len(warnings) > 1)
        answer = backend.receive(backend.send(*level(8)))
    assert (shown(answer), answer.taken_over) == (8, True)
    assert "fuses until it is there" in warnings[0]
    assert "The local model goes on." in warnings[1]


@pytest.mark.parametrize("scheme", ["http", "grpc"])
@pytest.mark.parametrize(("token", "remedy"), [(None, "into the environment variable"), ("other", "Check the token")])
def test_a_token_that_is_missing_or_wrong_is_asked_for_by_the_name_of_its_variable(
    tmp_path: Path, scheme: str, token: str | None, remedy: str
) -> None:
    choice = choose_backend(write_averaging_model(tmp_path / "tiny.onnx"), "ort")
    wanted = "wanted-by-the-server"
    settings = ServerSettings(port=0, grpc_port=0, token=wanted, limits=PATIENT)
    with ModelServer("tiny", lambda: open_served(choice), settings) as closed:
        port = urlsplit(closed.url if scheme == "http" else f"//{closed.grpc_address}").port
        with pytest.raises(CoconetError) as refused:
            served_card(ServerAddress.parse(f"{scheme}://127.0.0.1:{port}/tiny", token))
    assert "401" in str(refused.value)
    assert remedy in refused.value.remedy
    assert "COCONET_SERVER_TOKEN" in refused.value.remedy
