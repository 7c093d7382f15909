"""The backend contract: what a loaded model can do, and what one that overlaps frames can do as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Protocol, runtime_checkable

from coconet.cards.model_card import ModelCard
from coconet.media.pixels import Pixels
from coconet.networks.scene import Scene
from coconet.runtime.frame import FramePair
from coconet.runtime.preprocess.warp import Alignment


class Backend(Protocol):
    """A loaded model. `card` says what it expects, `name` what runs it, for reports.

    Gray visible frames are taken by colour models too; runtime/frame_check.py does that for every backend.
    """

    card: ModelCard
    name: str

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse (H, W, card.visible_channels) and (H, W, 1), both uint8, into a picture shaped like `visible`."""

    def close(self) -> None:
        """Release what the model holds; a second call does nothing."""


@runtime_checkable
class OverlappingBackend(Protocol):
    """A backend that uploads, computes and downloads different pairs at once. depth: how many may be under way."""

    depth: int

    def submit(self, visible: Pixels, infrared: Pixels) -> None:
        """Start with a pair; at most `depth` may be pending, and all of one size."""

    def collect(self) -> Pixels:
        """Wait for the oldest pending pair and give its picture."""


@runtime_checkable
class BatchingBackend(Protocol):
    """A backend that fuses several pairs of one size in one run. batch: how many at most."""

    batch: int

    def fuse_batch(self, pairs: Sequence[tuple[Pixels, Pixels]]) -> list[Pixels]:
        """Fuse pairs as `fuse` does, all at once; the pictures come in their order."""


@dataclass(frozen=True)
class Answer:
    """What became of a pair that was sent away. pixels: shaped like the visible frame; None if nothing came.

    notice: what a viewer has to know. Without pixels and notice the picture is late, and its frame is dropped.
    taken_over: whether a model of this machine made the picture, in place of the one that was asked.
    lost: whether there is none because what was asked is lost, and nothing stands in for it.
    """

    pixels: Pixels | None
    notice: str = ""
    taken_over: bool = False
    lost: bool = False


@dataclass(frozen=True)
class Outages:
    """How often what answers was lost in a run so far, and for how many seconds together, until now if it still is."""

    times: int = 0
    seconds: float = 0.0


@runtime_checkable
class AnsweringBackend(Protocol):
    """A backend whose pictures come from elsewhere, late perhaps or not at all. depth: pairs under way at most."""

    depth: int

    @property
    def trouble(self) -> str:
        """Why nothing comes; empty while all is well."""

    @property
    def outages(self) -> Outages:
        """How often and how long nothing has come."""

    def keep_up(self, *, live: bool) -> None:
        """Say whether pictures have to come in time; otherwise each is waited for."""

    def send(self, visible: Pixels, infrared: Pixels) -> Any:
        """Send a pair without waiting for its picture; gives what `receive` takes."""

    def receive(self, sent: Any) -> Answer:
        """Wait for the picture of a pair, as long as it is of use."""


@runtime_checkable
class WarpingBackend(Protocol):
    """A backend that runs models whose card has the form `warped`: they lay the infrared picture themselves."""

    def align(self, alignment: Alignment | None) -> None:
        """Lay the infrared pictures from the next one on, each of its own size, as an alignment says.

        None: they lie on the visible ones already. Models of another form leave it at that.
        """


class TileFuser(Protocol):
    """A model that fuses parts of a picture as if they lay in the whole one."""

    def hold_scene(self, scene: Scene) -> None:
        """Take this for the scene that every part lies in from the next one on."""

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        """Fuse a part, as `Backend.fuse` does."""

    def close(self) -> None:
        """Release what it holds; a second call does nothing."""


@runtime_checkable
class TilingBackend(Backend, Protocol):
    """A backend that opens its model for parts of pictures too."""

    def for_parts(self, *, halved: bool) -> TileFuser | None:
        """The same model for parts, which is closed by what asks for it; None for a graph that cannot be given them.

        halved: whether it looks at the pictures that they are of in half their size, see Tiling.
        """


@runtime_checkable
class ChoosingBackend(Protocol):
    """A backend that looks at a pair before it knows what runs it; `card` and `name` may be others after that."""

    def let_overlap(self, allowed: bool) -> None:
        """Say whether several pairs may be under way at once, which is quicker and makes each picture later."""

    def choose(self, pair: FramePair, stop: Event | None = None) -> None:
        """Choose what runs pairs like this one, once; it may take seconds, which are no pair's latency.

        stop: once it is set, nothing is looked for any more, and what needs no choice runs the pair.
        """
