"""A backend that sends pairs to a server and gives what comes back in time; a local model stands in for it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from threading import Lock
from typing import Any

from coconet.cards.model_card import FUSED, INFRARED, VISIBLE, ModelCard
from coconet.cards.precision import REFERENCE
from coconet.errors import CoconetError
from coconet.event_log import warn_once
from coconet.media.pixels import Pixels
from coconet.progress.board import working
from coconet.runtime.backends.backend import Answer, Backend, Outages
from coconet.runtime.backends.remote.connection import ServerTimeout, ServerUnreachable
from coconet.runtime.backends.remote.open_remote_model import open_remote_model
from coconet.runtime.backends.remote.remote_model import FULL, LATE, RemoteModel, ServerRefusal, unfit
from coconet.runtime.backends.remote.server_address import ServerAddress
from coconet.runtime.backends.remote.server_link import ServerLink
from coconet.runtime.frame_check import adapt_frames, like_visible
from coconet.runtime.serving.model_config import card_of_config, codings_of_config
from coconet.runtime.serving.protocol.inference_error import InferenceError
from coconet.runtime.serving.protocol.picture_coding import PictureCoding
from coconet.runtime.serving.protocol.tensor_spec import ANY, spec_of
from coconet.runtime.threads.background import Background

PATIENT_S = 30.0
"""How long a picture is waited for if nothing is live."""

ASK_S = 10.0
"""How long a server may be silent when it is asked what it serves, which costs it no work: it is lost after that."""

TRIALS = 3
"""Pictures in a row that a lost server has to bring in time before it is live again: one that only says that it is
ready, over a link too slow for pictures, would be lost again at once, and the badge would come and go."""


@dataclass
class Sent:
    """A pair on its way. picture: what the server answers; None if it was not asked.

    losses: how often the server had been lost before; what is known of it from then on is of a later connection.
    asked: the connection that waits for it now, if one does; `lock` is held to change it, and to cut that connection.
    """

    visible: Pixels
    infrared: Pixels
    until_s: float
    picture: Future[Pixels] | None
    losses: int = 0
    asked: RemoteModel | None = None
    lock: Lock = field(default_factory=Lock)

    def asked_now(self, model: RemoteModel | None) -> None:
        """Say which connection waits for it from now on; None is none."""
        with self.lock:
            self.asked = model

    def give_up(self) -> None:
        """Cut the connection that waits for it: one that has gone on to another pair is left alone."""
        with self.lock:
            if self.asked is not None:
                self.asked.cut()


class RemoteBackend:
    """A served model. card: as the server tells it. Nothing is shown that comes after its time.

    Each of `depth` connections asks for one picture at a time; one that is late is closed, so that what it would still
    bring is never read, and after a loss all are opened again: what was open before may hang as long as TCP repeats.
    """

    def __init__(
        self,
        address: ServerAddress,
        local: Backend | None = None,
        depth: int = 4,
        late_s: float = 0.25,
        coding: PictureCoding | None = None,
    ) -> None:
        """Ask the server what the model is. local: takes over while the server is lost; it is closed with this one.

        A server that is down is lost from the start on if there is a local model, which is said in a line: `card` is
        like that one's until the server is there and its model takes the same pictures.
        depth: pairs under way at most. late_s: after so long a picture of a live rig is dropped. coding: how pictures
        travel; None is as they are.
        Raises CoconetError for a server that cannot be reached, without a local model, for one that has no such model,
        and for a model that no rig feeds.
        """
        self._address, self._local, self.depth, self._late_s = address, local, depth, late_s
        self._coding = coding
        self.name = f"server of {address.named}"
        with closing_on_error(local):
            self.card, down = self._card_at_start()
        self._live = self._closed = False
        self._newest: tuple[Pixels, Pixels] | None = None
        self._trial: RemoteModel | None = None
        self._wanted: SimpleQueue[tuple[Sent, Future[Pixels], tuple[Pixels, Pixels]] | None] = SimpleQueue()
        self._exit = ExitStack()
        self._link = self._exit.enter_context(ServerLink(address.named, self._is_back))
        self._known = not down
        if down:
            self._link.note_loss(down)
        for number in range(depth):
            self._exit.enter_context(Background(self._keep_asking, f"server {number}"))

    @property
    def trouble(self) -> str:
        """Why the server is lost; empty while it is live."""
        return self._link.trouble

    @property
    def outages(self) -> Outages:
        """How often and how long the server was lost."""
        return self._link.outages

    def keep_up(self, *, live: bool) -> None:
        """Say whether pictures have to come in time; otherwise each is waited for."""
        self._live = live

    def send(self, visible: Pixels, infrared: Pixels) -> Sent:
        """Send a pair without waiting for its picture; no more than `depth` are on their way, the others wait for them.

        Raises CoconetError for frames that the card does not take.
        """
        within_s = self._late_s if self._live else PATIENT_S
        until_s = time.monotonic() + within_s
        self._newest = pair = adapt_frames(self.card, self._address, visible, infrared)
        if self._link.trouble:
            return Sent(visible, infrared, until_s, None)
        picture: Future[Pixels] = Future()
        sent = Sent(visible, infrared, until_s, picture, self._link.losses)
        self._link.note_sent()
        self._wanted.put((sent, picture, pair))
        return sent

    def receive(self, sent: Sent) -> Answer:
        """Wait for the picture of a pair, as long as it is of use.

        Without the server it is that of the local model; without that, too, there is none if the rig is live, and
        CoconetError is raised if it is not.
        """
        if sent.picture is None:
            return self._without_server(sent)
        try:
            fused = sent.picture.result(max(0.0, sent.until_s - time.monotonic()))
            return Answer(like_visible(fused, sent.visible.shape[2]))
        except (NotInTime, ServerTimeout):
            sent.give_up()
            self._link.note_silence()
            return Answer(None) if self._live else self._without_server(sent)
        except (ServerUnreachable, InferenceError) as error:
            if self._live and isinstance(error, InferenceError) and error.status == LATE:
                return Answer(None)
            told = isinstance(error, (ServerUnreachable, ServerRefusal))
            if sent.losses == self._link.losses:  # otherwise that was said when the connection of before was lost
                self._link.note_loss(error.got if told else "an answer that cannot be read")
            return self._without_server(sent)

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Send a pair and wait for its picture, shaped like `visible`. Raises CoconetError if there is none."""
        answer = self.receive(self.send(visible, infrared))
        if answer.pixels is None:
            notice = answer.notice or "none in time"
            raise unfit(self._address, "a picture", notice, f"gave no picture: {notice}")
        return answer.pixels

    def close(self) -> None:
        """Close the connections and the local model; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for _ in range(self.depth):
            self._wanted.put(None)
        if (trial := self._trial) is not None:
            trial.cut()
        self._exit.close()
        if self._local is not None:
            self._local.close()

    def _card_at_start(self) -> tuple[ModelCard, str]:
        """The card, which is like the local model's if the server is down, and why it is; empty if it is not."""
        try:
            card = served_card(self._address, self._coding)
        except CoconetError as error:
            down = isinstance(error, ServerUnreachable) or getattr(error, "status", None) == FULL
            if self._local is None or not down:
                raise
            here = self._local.card
            warn_once(f"{self._address} {error.says}; {here.network} fuses until it is there.")
            return replace(here, network=self._address.model, precision=REFERENCE), error.got
        self._check_like_local(card)
        return card, ""

    def _check_like_local(self, card: ModelCard) -> None:
        """Raise CoconetError for a served model that takes other pictures than the local one."""
        if self._local is not None and self._local.card.visible_channels != card.visible_channels:
            wanted = "a model like the local one: both for colour, or both for gray"
            says = "has a model for colour and the local one is for gray, or the other way round"
            raise unfit(self._address, wanted, "another one", says)

    def _knows_model(self) -> bool:
        """Whether the card is that of the server, which is asked for it if it was down at the start.

        A model that does not take what the rig has given the local one so far is not asked for pictures.
        """
        if self._known:
            return True
        try:
            card = served_card(self._address, self._coding, silently=True)
            self._check_like_local(card)
            if card.form != self.card.form:
                says = f"has a model of the form {card.form}, and the local one is of the form {self.card.form}"
                raise unfit(self._address, "a model like the local one", "another one", says)
            if (pair := self._newest) is not None:
                adapt_frames(card, self._address, *pair)
        except CoconetError as error:
            if not isinstance(error, ServerUnreachable) and getattr(error, "status", None) != FULL:
                warn_once(f"{error} The local model goes on.")
            return False
        self.card, self._known = card, True
        return True

    def _without_server(self, sent: Sent) -> Answer:
        trouble = self._link.trouble or "it does not answer"
        if self._local is None:
            if not self._live:
                raise unfit(self._address, "a server that answers", trouble, f"is lost: {trouble}")
            return Answer(None, f"server lost: {trouble}", lost=True)
        fused = self._local.fuse(sent.visible, sent.infrared)
        return Answer(fused, f"server lost, {self._local.card.network} takes over: {trouble}", taken_over=True)

    def _keep_asking(self) -> None:
        """Work of a thread: ask for one picture after the other on one connection."""
        model, losses = open_remote_model(self._address), self._link.losses
        try:
            while (wanted := self._wanted.get()) is not None:
                if losses != self._link.losses:
                    model.close()
                    model, losses = open_remote_model(self._address), self._link.losses
                sent, picture, pair = wanted
                if (within_s := sent.until_s - time.monotonic()) <= 0:
                    continue  # `receive` has given it up, or does so at once
                sent.asked_now(model)
                self._ask(model, pair, picture, within_s)
                sent.asked_now(None)
        finally:
            model.close()

    def _ask(self, model: RemoteModel, pair: tuple[Pixels, Pixels], picture: Future[Pixels], within_s: float) -> None:
        try:
            pixels = self._picture(model, pair, within_s)
            self._link.note_answer()
            picture.set_result(pixels)
        except CoconetError as error:
            picture.set_exception(error)

    def _picture(self, model: RemoteModel, pair: tuple[Pixels, Pixels], within_s: float) -> Pixels:
        tensors = dict(zip((VISIBLE, INFRARED), (side[None] for side in pair), strict=True))
        (fused,) = spec_of(self.card).outputs
        answered: Pixels = model.infer(tensors, within_s, self._coding, fused)[0]
        return answered

    def _is_back(self) -> bool:
        """Whether the model is ready and, if pictures have to come in time, some do, which nobody sees."""
        self._trial = model = open_remote_model(self._address)
        try:
            ready = model.is_ready(1.0) and self._knows_model()
            return ready and all(self._comes_in_time(model) for _ in range(TRIALS if self._live else 0))
        finally:
            self._trial = None
            model.close()

    def _comes_in_time(self, model: RemoteModel) -> bool:
        begun_s, pair = time.monotonic(), self._newest
        if self._closed or pair is None:
            return False
        try:
            self._picture(model, pair, self._late_s)
        except CoconetError:
            return False
        return time.monotonic() - begun_s <= self._late_s


def closing_on_error(local: Backend | None) -> ExitStack:
    """Close the local model if the block around ends with an error."""
    stack = ExitStack()

    def close(kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and local is not None:
            local.close()

    stack.push(close)
    return stack


def served_card(address: ServerAddress, coding: PictureCoding | None = None, *, silently: bool = False) -> ModelCard:
    """The card of a served model: out of its configuration, or, if that has none, as its shapes say.

    coding: as what pictures are to travel. silently: whether nothing tells that it is asked.
    Raises CoconetError for a server that cannot be reached, for a model it does not have, for one that takes anything
    else than a pair of pictures, and for a server that does not take them so.
    """
    model = open_remote_model(address)
    try:
        with nullcontext() if silently else working(f"asking {address} what it serves, for {ASK_S:g} s at most"):
            config = model.config(ASK_S)
            metadata = model.metadata(ASK_S)
    finally:
        model.close()
    told = () if config is None else codings_of_config(config)
    if coding is not None and coding.kind not in told:
        taken = f"as {' or '.join(told)}" if told else "as they are"
        says = f"does not take pictures as {coding.kind}, only {taken}"
        raise unfit(address, f"a server that takes pictures as {coding.kind}", f"one that takes them {taken}", says)
    card = None if config is None else card_of_config(config, address)
    return card or _card_of_metadata(address, metadata)


def _card_of_metadata(address: ServerAddress, told: Mapping[str, Any]) -> ModelCard:
    try:
        shapes = {str(one["name"]): [int(side) for side in one["shape"]] for one in (*told["inputs"], *told["outputs"])}
        _, height, width, channels = shapes[VISIBLE]
        height_px, width_px = (None if side == ANY else side for side in (height, width))
        card = ModelCard(
            address.model, REFERENCE, "", visible_channels=channels, height_px=height_px, width_px=width_px
        )
        spec = spec_of(card)
        wanted = {one.name: list(one.shape) for one in (*spec.inputs, *spec.outputs)}
    except (KeyError, TypeError, ValueError, CoconetError):
        shapes, wanted = {}, {FUSED: []}
    if {name: shape[1:] for name, shape in shapes.items()} != {name: shape[1:] for name, shape in wanted.items()}:
        wish = "a model that takes visible and infrared and gives fused, as pictures"
        raise unfit(address, wish, "another one", "has a model that does not fuse a visible and an infrared picture")
    return card
