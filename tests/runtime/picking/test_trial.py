"""Trials: who is fastest by a clock that the test turns, and whose pictures are too far off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from coconet.cards.precision import PrecisionName
from coconet.errors import CoconetError
from coconet.media.pixels import Pixels
from coconet.progress.work import Work
from coconet.runtime.backends.rules.baseline import BaselineBackend
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.picking import trial
from coconet.runtime.picking.candidate import Candidate, CandidateKind
from coconet.runtime.picking.trial import Stopped, pick_fastest

PAIR, OTHER = synthetic_pairs(2, 32, 48)


class Clock:
    """Seconds that pass only while a model fuses."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Timed:
    """A backend that takes a time of its own and is a number of levels off."""

    def __init__(self, clock: Clock, seconds: float, off: int, precision: PrecisionName) -> None:
        self.card, self.name = replace(BaselineBackend().card, precision="fp32"), "timed"
        object.__setattr__(self.card, "precision", precision)  # an INT8 card has a calibration, which nothing looks at
        self._clock, self.seconds, self._off, self.open = clock, seconds, off, True

    def fuse(self, visible: Pixels, infrared: Pixels) -> Pixels:
        assert self.open
        self._clock.now += self.seconds
        return np.clip(visible.astype(int) // 2 + infrared // 2 + self._off, 0, 255).astype(np.uint8)

    def close(self) -> None:
        self.open = False


class Field:
    """Candidates and the backends that they open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.opened = Clock(), dict[CandidateKind, Timed]()
        self.broken = set[CandidateKind]()
        self._made = dict[CandidateKind, tuple[float, int, PrecisionName]]()

        def opened(candidate: Candidate) -> Timed:
            return self._open(candidate)

        monkeypatch.setattr(Candidate, "open", opened)

    def add(self, kind: CandidateKind, seconds: float, off: int = 0, precision: PrecisionName = "fp32") -> Candidate:
        self._made[kind] = (seconds, off, precision)
        return Candidate(Path("m.onnx"), kind)

    def _open(self, candidate: Candidate) -> Timed:
        if candidate.kind in self.broken:
            raise CoconetError(
                "m.onnx",
                wanted="a model that opens",
                got="no kernel for it",
                remedy="None.",
                says="does not open: no kernel for it",
            )
        self.opened[candidate.kind] = Timed(self.clock, *self._made[candidate.kind])
        return self.opened[candidate.kind]


@pytest.fixture
def field(monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    field = Field(monkeypatch)
    yield field
    assert not any(backend.open for backend in field.opened.values())


def test_the_fastest_is_picked_and_its_ratio_told(field: Field) -> None:
    pick = pick_fastest([field.add("ort", 0.10), field.add("openvino", 0.06)], [PAIR], field.clock)
    assert pick.kind == "openvino"
    assert pick.ratio == pytest.approx(0.6)
    assert pick.reference_ms == pytest.approx(100)
    assert pick.size_px == (32, 48)


def test_a_trial_that_is_stopped_opens_no_further_candidate(field: Field) -> None:
    stop, first = Event(), field.add("ort", 0.10)
    clock = field.clock

    def stopping() -> float:
        stop.set()
        return clock()

    with pytest.raises(Stopped):
        pick_fastest([first, field.add("openvino", 0.06)], [PAIR], stopping, stop=stop)
    assert list(field.opened) == ["ort"]


def test_a_picture_beyond_the_limits_of_its_precision_is_out_however_fast(field: Field) -> None:
    pick = pick_fastest([field.add("ort", 0.10), field.add("openvino-bf16", 0.01, off=5)], [PAIR], field.clock)
    assert pick.kind == "ort"
    assert "wanted 55 dB or more" in pick.rows[1].refused
    assert pick.rows[1].ratio is None


def test_a_picture_beyond_the_limits_on_any_of_the_pairs_is_out(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = [field.add("ort", 0.10), field.add("openvino", 0.01)]
    assert pick_fastest(candidates, [PAIR, OTHER], field.clock).kind == "openvino"
    alike = Timed.fuse

    def off_on_the_other(self: Timed, visible: Pixels, infrared: Pixels) -> Pixels:
        picture = alike(self, visible, infrared)
        return picture + np.uint8(9) if self.seconds < 0.1 and visible is OTHER.visible.pixels else picture

    monkeypatch.setattr(Timed, "fuse", off_on_the_other)
    pick = pick_fastest(candidates, [PAIR, OTHER], field.clock)
    assert (pick.kind, pick.pairs) == ("ort", 2)
    assert "wanted 55 dB or more" in pick.rows[1].refused


def test_what_an_8_bit_model_may_be_off_is_more(field: Field) -> None:
    candidates = [field.add("ort", 0.10), field.add("openvino", 0.01, off=2, precision="int8")]
    assert pick_fastest(candidates, [PAIR], field.clock).kind == "openvino"


def test_the_reference_stays_for_a_gain_within_what_is_measured(field: Field) -> None:
    assert pick_fastest([field.add("ort", 0.100), field.add("openvino", 0.097)], [PAIR], field.clock).kind == "ort"


def test_a_reference_far_behind_is_not_fused_again_and_again(field: Field) -> None:
    pick = pick_fastest([field.add("torch", 9.0), field.add("openvino", 0.5)], [PAIR], field.clock)
    assert (pick.kind, len(pick.rows)) == ("openvino", 2)
    assert pick.ratio == pytest.approx(0.5 / 9, abs=1e-4)
    assert field.clock.now < 2 * 9.0 + 10


def test_one_that_does_not_open_is_left_out_with_the_reason(field: Field) -> None:
    field.broken.add("openvino")
    pick = pick_fastest([field.add("ort", 0.1), field.add("openvino", 0.01)], [PAIR], field.clock)
    assert (pick.kind, pick.rows[1].refused) == ("ort", "does not open: no kernel for it")


def test_a_reference_that_does_not_open_is_an_error(field: Field) -> None:
    field.broken.add("ort")
    with pytest.raises(CoconetError, match="does not open: no kernel for it"):
        pick_fastest([field.add("ort", 0.1)], [PAIR], field.clock)


def test_a_trial_is_through_with_every_candidate_also_with_those_that_are_out(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = list[Work]()

    @contextmanager
    def tell_of(work: Work) -> Iterator[Work]:
        works.append(work)
        yield work

    monkeypatch.setattr(trial, "tell_of", tell_of)
    field.broken.add("openvino")
    pick_fastest([field.add("ort", 1.0), field.add("openvino", 0.5)], [PAIR], field.clock)
    assert [(work.done, work.total) for work in works] == [(2, 2)]
