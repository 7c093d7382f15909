"""A job: one recording pair, or a slice of one, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from coconet.reading import UNSAID, Reading
from coconet.runtime.loop.selection import OnError

OutputForm = Literal["video", "pictures"]

VIDEO, PICTURES = "fused.mp4", "fused"
"""What a result holds, in its folder."""

REPORT_JSON, REPORT_HTML = "report.json", "report.html"
"""What lies in the root of the results."""

LOCK = ".batch.lock"
"""What a batch holds in that root as long as it works."""


@dataclass(frozen=True)
class Span:
    """A part of a recording, by the time of its pairs in seconds; None is the beginning, or the end."""

    begin_s: float | None = None
    end_s: float | None = None


WHOLE = Span()


@dataclass(frozen=True)
class Job:
    """What is to be fused. name: of the result's folder. rig: a rig file, or both addresses without one.

    model: a file or a word. seconds: how much video it is, None if that is not known. note: what is to be warned of in
    its recording; empty if nothing is.
    """

    name: str
    model: str
    rig: str = ""
    visible: str = ""
    infrared: str = ""
    span: Span = WHOLE
    seconds: float | None = None
    note: str = ""


@dataclass(frozen=True)
class BatchSettings:
    """What is the same for all jobs.

    out: the root of the results, a folder or an address of fsspec. score_every: figures are of every so-many-th frame.
    on_error: whether what is damaged ends a job or is left out.
    """

    out: str
    form: OutputForm = "video"
    score_every: int = 30
    backend: str = "auto"
    encoder: str = "auto"
    reading: Reading = UNSAID
    on_error: OnError = "stop"


@dataclass(frozen=True)
class WorkerShare:
    """What a worker may use. cores: by their numbers; empty leaves it to the system. gpu: its number, None without one.

    threads: how many at once; None is one for each core, and without cores what the libraries think fit.
    """

    cores: tuple[int, ...]
    gpu: int | None = None
    threads: int | None = None

    @property
    def width(self) -> int | None:
        """How many threads its libraries may have; None if nothing was said."""
        return self.threads or len(self.cores) or None


@dataclass(frozen=True)
class Progress:
    """A sign of life of a job under way: frames fused so far. seconds: of its video that are behind it."""

    frames: int
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """The end of a job. manifest: of its result; None if there is none, and `reason` says why.

    warnings: what a run of it would have warned of; those of a result stand in its manifest.
    fresh: whether it was made now, and not there already. seconds: that it took now. looked_at: whether this batch has
    looked at it; if not, it says what was known before, which of a result that was never made is nothing.
    """

    manifest: Mapping[str, Any] | None
    reason: str = ""
    fresh: bool = True
    seconds: float = field(default=0.0, compare=False)
    looked_at: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it is known that there is no result, and why."""
        return self.manifest is None and bool(self.reason)
