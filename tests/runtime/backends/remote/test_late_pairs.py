"""Pairs that nothing waits for any more: they are not sent, and giving one up never cuts the pair after it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from threading import Event
from typing import ClassVar

import pytest

from coconet.runtime.backends.backend import Answer
from coconet.runtime.backends.remote import backend as remote
from coconet.runtime.backends.remote.backend import RemoteBackend
from coconet.runtime.backends.remote.http_model import HttpModel
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.serving.model_server import ModelServer
from coconet.runtime.serving.protocol.picture_coding import PictureCoding
from coconet.runtime.serving.protocol.tensor_reading import Tensor
from coconet.runtime.serving.protocol.tensor_spec import TensorSpec
from tests.support.programs.patience import PATIENCE_S
from tests.support.servers.averaging_server import address_of, averaging_server, level, link_to, shown, until
from tests.support.servers.bad_link import BadLink

SLOW, NEXT = 50, 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    with averaging_server(tmp_path_factory.mktemp("model")) as running:
        yield running


@pytest.fixture
def link(server: ModelServer) -> Iterator[BadLink]:
    with link_to(server, "http") as made:
        yield made


class HeldModel(HttpModel):
    """A model on a server whose answer of one level is held back until its connection is being cut."""

    begun: ClassVar[list[int]] = []
    cut_under: ClassVar[list[int]] = []
    cutting = Event()

    def __init__(self, address: ServerAddress) -> None:
        super().__init__(address)
        self.own: list[int] = []

    def infer(
        self, tensors: Mapping[str, Tensor], within_s: float, coding: PictureCoding | None, wanted: TensorSpec
    ) -> Tensor:
        """Ask for one output."""
        asked = int(next(iter(tensors.values())).flat[0])
        for begun in (self.begun, self.own):
            begun.append(asked)
        answer = super().infer(tensors, within_s if asked != SLOW else PATIENCE_S, coding, wanted)
        if asked == SLOW:
            self.cutting.wait(PATIENCE_S)
        return answer

    def cut(self) -> None:
        """Leave the thread that asks time to go on to the next pair, as a busy machine does."""
        self.cutting.set()
        if SLOW in self.own:
            time.sleep(0.3)
            self.cut_under.append(self.own[-1])
        super().cut()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> type[HeldModel]:
    HeldModel.begun.clear()
    HeldModel.cut_under.clear()
    HeldModel.cutting.clear()
    monkeypatch.setattr(remote, "open_remote_model", HeldModel)
    return HeldModel


def test_giving_a_late_pair_up_does_not_cut_the_one_after_it(link: BadLink, held: type[HeldModel]) -> None:
    with closing(RemoteBackend(address_of(link), depth=1, late_s=0.3)) as backend:
        held.cutting.clear()  # the one that was asked for the card is closed
        backend.keep_up(live=True)
        slow = backend.send(*level(SLOW))
        backend.keep_up(live=False)
        backend.send(*level(NEXT))  # which has time
        until(lambda: held.begun == [SLOW])
        backend.keep_up(live=True)
        assert backend.receive(slow) == Answer(None)
        until(lambda: NEXT in held.begun)
        assert held.cut_under
        assert NEXT not in held.cut_under


def test_a_pair_whose_time_was_up_before_its_turn_is_not_sent(link: BadLink, held: type[HeldModel]) -> None:
    with closing(RemoteBackend(address_of(link), depth=1, late_s=0.2)) as backend:
        held.cutting.clear()
        slow = backend.send(*level(SLOW))
        backend.keep_up(live=True)
        backend.send(*level(NEXT))
        backend.keep_up(live=False)
        time.sleep(0.3)
        held.cutting.set()
        assert shown(backend.receive(slow)) == SLOW
        assert shown(backend.receive(backend.send(*level(70)))) == 70
        assert held.begun == [SLOW, 70]
