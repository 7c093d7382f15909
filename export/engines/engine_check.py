"""The check of a built engine: it gets its name only if it fuses frames as its ONNX model does, at all its sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from math import cos, radians, sin
from pathlib import Path

from coconet.cards.engine_card import read_engine_card
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cards.model_card import ModelCard
from coconet.cards.precision import PRECISIONS
from coconet.runtime.cameras.synthetic.camera import synthetic_pairs
from coconet.runtime.frame import FramePair
from coconet.runtime.frame_check import fit_pairs
from coconet.runtime.preprocess.warp import Alignment
from coconet.runtime.rig.sample_frames import sample_frames
from coconet.runtime.verify.parity import Parity, compare, require
from coconet.runtime.verify.reference_backend import common_card, open_to_compare

SYNTHETIC_FRAMES = 3
"""How many synthetic pairs are fused, at the best size of an engine, if no folder of real ones is given."""

LEAST_SCENE_PX = 32
"""The least size of a synthetic scene; smaller frames are cut out of them."""


_COSINE, _SINE = cos(radians(3)), sin(radians(3))

TURNED = Alignment(((_COSINE, -_SINE, 4.5), (_SINE, _COSINE, -2.25), (0.0, 0.0, 1.0)))
"""How infrared pictures lie for an engine that aligns by itself: turned and moved by parts of a pixel, so that a table
that is taken for another, or taken in another order, gives other pictures; at every size."""


def require_agreement(engine: Path, onnx: Path, frames: Path | None, name: Path) -> Parity:
    """Fuse the pairs of a folder, or synthetic ones, with both. `name` is what the engine will be called.

    An engine for a range of sizes fuses all of them at its best size, and the first one at its smallest and at its
    largest as well; one that aligns by itself is given pictures that lie turned. Raises CoconetError with the figures
    if the engine is further away than its precision allows.
    """
    profile = read_engine_card(engine).options.profile
    with closing(open_to_compare(onnx)) as model, closing(open_to_compare(engine)) as candidate:
        card = common_card(model.card, candidate.card)
        pairs = _pairs(frames, card, profile)
        if card.form == "warped":
            pairs = (replace(pair, warp=TURNED) for pair in pairs)
        parity = compare(model, candidate, pairs)
        require(parity, PRECISIONS[candidate.card.precision].limits, f"{name}, against {onnx.name}")
    return parity


def _pairs(frames: Path | None, card: ModelCard, profile: SizeProfile | None) -> Iterator[FramePair]:
    """The pairs in the sizes that the engine takes."""
    if profile is None:
        return fit_pairs(_at(frames, card, None), card)
    ends = [size for size in (profile.minimum, profile.maximum) if size != profile.optimum]
    best = fit_pairs(_at(frames, card, profile.optimum), _fixed(card, profile.optimum))
    others = (fit_pairs(islice(_at(frames, card, size), 1), _fixed(card, size)) for size in dict.fromkeys(ends))
    return chain(best, *others)


def _at(frames: Path | None, card: ModelCard, size: FrameSize | None) -> Iterable[FramePair]:
    """The pairs of a folder or recording as they are; or synthetic ones, of a size."""
    if frames is not None:
        return sample_frames(frames)
    height, width = (card.height_px, card.width_px) if size is None else (size.height_px, size.width_px)
    return synthetic_pairs(SYNTHETIC_FRAMES, max(LEAST_SCENE_PX, height or 480), max(LEAST_SCENE_PX, width or 640))


def _fixed(card: ModelCard, size: FrameSize) -> ModelCard:
    """The card of a model of one size; a side that the graph fixes stays as it is."""
    height, width = card.height_px or size.height_px, card.width_px or size.width_px
    return replace(card, height_px=height, width_px=width, smallest_px=None, largest_px=None)
