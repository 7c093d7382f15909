"""The choice of an encoder: hardware is tried in order, the first that works is taken, and what was chosen is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from coconet.errors import Refused
from coconet.event_log import note_once, warn_once
from coconet.media.encoding.encoder import HARDWARE, Encoder, EncoderName, HardwareEncoder, Use
from coconet.media.encoding.trial import Refusal, software_encoder, try_encoder

Say = Callable[[str], object]


@dataclass(frozen=True)
class ChoiceFacts:
    """What a choice knows, to be handed to another process: what is still tried, and the names of what was taken."""

    wish: EncoderName
    candidates: tuple[HardwareEncoder, ...]
    root: Path
    used: tuple[str, ...]


class EncoderChoice:
    """What encodes the videos of one run; an encoder that failed once is not asked again.

    facts: what it knows; may be set to those of the same choice in another process. note, warn: what says, in one
    sentence, which encoder was taken and which was not.
    """

    def __init__(
        self,
        wish: EncoderName = "auto",
        *,
        candidates: Iterable[HardwareEncoder] = HARDWARE,
        root: Path = Path("/"),
        note: Say = note_once,
        warn: Say = warn_once,
    ) -> None:
        """Prepare a choice; nothing is tried before the first picture.

        candidates: what is tried, in order. root: where dev lies.
        """
        tried = tuple(one for one in candidates if wish in ("auto", one.name))
        self.facts, self.note, self.warn = ChoiceFacts(wish, tried, root, ()), note, warn
        self._chosen: dict[tuple[Use, tuple[int, int]], Encoder] = {}

    @property
    def tries_hardware(self) -> bool:
        """Whether the first picture of a size takes longer, as there is something to be tried."""
        return any(self.facts.wish != "auto" or one.here(self.facts.root) for one in self.facts.candidates)

    def encoder_for(self, use: Use, size_px: tuple[int, int]) -> Encoder:
        """The encoder for videos of a size (width, height, both even); it is tried with the first one.

        In `auto` one whose device is not there is not tried, and one that does not work gives way to the next. One that
        was asked for by name is tried in any case. Raises Refused if that does not work.
        """
        if (use, size_px) not in self._chosen:
            self._chosen[use, size_px] = self._first_that_works(use, size_px)
        encoder = self._chosen[use, size_px]
        if encoder.name not in self.facts.used:
            self.facts = replace(self.facts, used=(*self.facts.used, encoder.name))
            if encoder.hardware:
                self.note(f"the output is encoded by {encoder.name}.")
        return encoder

    def drop(self, encoder: Encoder, reason: str) -> None:
        """Have another one take over from an encoder that failed on the way, and say so."""
        left = tuple(one for one in self.facts.candidates if one.name != encoder.name)
        self.facts = replace(self.facts, wish="auto", candidates=left)  # any other one is better than no picture at all
        self._chosen = {key: one for key, one in self._chosen.items() if one.name != encoder.name}
        self.warn(f"{encoder.name} failed while it encoded the output ({reason}); another encoder goes on.")

    def _first_that_works(self, use: Use, size_px: tuple[int, int]) -> Encoder:
        software, wish = software_encoder(use), self.facts.wish
        for candidate in self.facts.candidates:
            if wish == "auto" and not candidate.here(self.facts.root):
                continue
            try:
                return try_encoder(candidate, use, size_px)
            except Refusal as refusal:
                if wish != "auto":
                    raise _refused(wish, str(refusal)) from refusal
                tried = f"{candidate.name} does not encode {size_px[0]}x{size_px[1]} here ({refusal})"
                self.warn(f"{tried}; the next encoder is tried, and {software.name} stands behind all.")
        if wish not in ("auto", software.name):
            raise _refused(wish, "this FFmpeg does not have it")
        return software


def _refused(name: str, got: str) -> Refused:
    remedy = "Use --encoder auto; coconet doctor says which encoders work."
    return Refused(
        f"--encoder {name}",
        wanted="an encoder that works here",
        got=got,
        remedy=remedy,
        says=f"does not work here: {got}",
    )


def software_only() -> EncoderChoice:
    """The choice that tries no hardware: the same bytes on every machine with the same FFmpeg."""
    return EncoderChoice(candidates=())
