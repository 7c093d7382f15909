"""The choice of a decoder: which hardware may still be tried for a codec, and what was found out so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from coconet.event_log import note_once, warn_once
from coconet.media.decoding.decoder import FOURCC, HARDWARE, DecoderName, HardwareDecoder

Say = Callable[[str], object]


class DecoderChoice:
    """What may decode the streams of this process; a decoder that failed on a codec once is not asked again.

    wish: what was asked for. reasons: why a decoder is not asked any more, by its name and the codec. note, warn: what
    says, in one sentence, which decoder was taken and which was not.
    """

    def __init__(
        self,
        wish: DecoderName = "auto",
        *,
        candidates: Iterable[HardwareDecoder] = HARDWARE,
        root: Path = Path("/"),
        note: Say = note_once,
        warn: Say = warn_once,
    ) -> None:
        """Prepare a choice; nothing is tried. candidates: what may be tried, in order. root: where dev lies."""
        self.wish, self.note, self.warn = wish, note, warn
        self._candidates = tuple(one for one in candidates if wish in ("auto", one.name))
        self._root = root
        self.reasons: dict[tuple[str, str], str] = {}
        self._settled: set[str] = set()

    def candidates_for(self, codec: str) -> tuple[HardwareDecoder, ...]:
        """What is left to be tried for a codec, as FFmpeg calls it; nothing for those that hardware is not tried for.

        In `auto` one whose device is not there is left out. One that was asked for by name is tried in any case.
        """
        left = (one for one in self._candidates if codec in FOURCC and (one.name, codec) not in self.reasons)
        return tuple(one for one in left if self.wish != "auto" or one.here(codec, self._root))

    def refuse(self, candidate: HardwareDecoder, codec: str, reason: str) -> None:
        """Take a decoder out that does not work, and say so."""
        self.reasons[candidate.name, codec] = reason
        tried = f"{candidate.name} does not decode {codec} here ({reason})"
        self.warn(f"{tried}; the next decoder is tried, and software stands behind all.")

    def drop(self, candidate: HardwareDecoder, codec: str, reason: str) -> None:
        """Have software take over from a decoder that failed on the way, and say so."""
        self.reasons[candidate.name, codec] = reason
        self.warn(f"{candidate.name} failed while it decoded {codec} ({reason}); software goes on.")

    def settle(self, codec: str) -> None:
        """Remember that the decoder that was asked for works."""
        self._settled.add(codec)

    def is_settled(self, codec: str) -> bool:
        """Whether it is known of the decoder that was asked for that it works, or worked and has failed since."""
        return codec in self._settled or any(of == codec for _, of in self.reasons)


@cache
def shared_choice(wish: DecoderName) -> DecoderChoice:
    """The choice that all cameras of this process share, so that a camera that comes back does not try again."""
    return DecoderChoice(wish)


def software_only() -> DecoderChoice:
    """The choice that tries no hardware."""
    return DecoderChoice("software")
