"""How frames travel through a GPU: how many at once, in which memory, as which calls."""

from __future__ import annotations

from dataclasses import dataclass, fields

from coconet.errors import Refused


@dataclass(frozen=True)
class RingOptions:
    """How frames travel.

    depth: how many may be under way. 1 has the lowest latency, 3 the highest rate.
    zero_copy: let the GPU read and write the host's memory in place. Worth a try where they share it (Jetson); a card
        of its own then fetches every byte over the bus while it computes.
    graph: replay the kernels as one CUDA graph, where the GPU library has them.
    spin: let the waiting thread keep a processor core busy instead of sleeping, which ends the wait a little sooner.
    library: what moves the frames, see coconet.runtime.backends.gpu.open_memory; None takes the first that works.
    """

    depth: int = 1
    zero_copy: bool = False
    graph: bool = True
    spin: bool = False
    library: str | None = None

    def __post_init__(self) -> None:
        if self.depth < 1:
            remedy = "1 has the lowest latency, 3 the highest rate."
            raise Refused(
                "frame ring, depth",
                wanted="1 or more frames",
                got=str(self.depth),
                remedy=remedy,
                says=f"must be 1 or more, not {self.depth}",
            )

    @property
    def chosen(self) -> frozenset[str]:
        """The names of those that are not as they are by themselves."""
        return frozenset(field.name for field in fields(self) if getattr(self, field.name) != field.default)
