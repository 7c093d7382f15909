"""How pictures travel between a client and a server: as they are, or as JPEG or PNG where the link is thin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from coconet.errors import Refused
from coconet.installation.opencv import has_opencv
from coconet.runtime.serving.protocol.inference_error import InferenceError

Coding = Literal["jpeg", "png"]

CODINGS: tuple[Coding, ...] = get_args(Coding)

USUAL_QUALITY = 90
"""Of JPEG, as libjpeg counts."""

_TEXT = re.compile(r"(png|jpeg)(?:(?<=jpeg):(100|[1-9][0-9]?))?")


@dataclass(frozen=True)
class PictureCoding:
    """kind: png loses nothing. quality: of JPEG, 1 to 100."""

    kind: Coding
    quality: int = USUAL_QUALITY

    @classmethod
    def checked(cls, kind: object, quality: object) -> PictureCoding:
        """The coding that a request names. Raises InferenceError for another kind or quality."""
        if kind not in CODINGS:
            raise InferenceError(
                "encoding",
                wanted=" or ".join(CODINGS),
                got=str(kind)[:60],
                remedy="Use one of them.",
                says=f"must be {' or '.join(CODINGS)}, not {str(kind)[:60]}",
            )
        if not isinstance(quality, int) or isinstance(quality, bool) or not 1 <= quality <= 100:
            got = str(quality)[:60]
            raise InferenceError(
                "quality",
                wanted="a whole number from 1 to 100",
                got=got,
                remedy="Correct it.",
                says=f"must be a whole number from 1 to 100, not {got}",
            )
        return cls(kind, quality)

    @classmethod
    def parse(cls, text: str) -> PictureCoding | None:
        """Read `raw`, which is None, `png`, `jpeg` or `jpeg:80`. Raises Refused for anything else."""
        if text == "raw":
            return None
        found = _TEXT.fullmatch(text)
        if found is None:
            wanted = "raw, png, jpeg, or jpeg with a quality, as jpeg:80"
            raise Refused(
                "--travel-as",
                wanted=wanted,
                got=text[:60] or "nothing",
                remedy="Use one of them.",
                says=f"must be {wanted}, not {text[:60]!r}",
            )
        return cls(cast("Coding", found[1]), int(found[2] or USUAL_QUALITY))

    @property
    def parameters(self) -> Mapping[str, Any]:
        """As a request says it of its output."""
        return {"encoding": self.kind, **({"quality": self.quality} if self.kind == "jpeg" else {})}


def codings_here() -> tuple[Coding, ...]:
    """Those that this Python reads and writes: all with OpenCV, none without."""
    return CODINGS if has_opencv() else ()
