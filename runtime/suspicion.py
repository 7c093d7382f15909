"""Suspicion: a fused picture that looks as if numbers inside the model had overflowed."""

from __future__ import annotations

import numpy as np

from runtime.frame import Pixels
from runtime.parity import Answers

FAR_LEVELS = 64
LEAST_SHARE = 0.001


def suspicion(answers: Answers) -> str:
    """Say what is suspicious about the candidate's picture, or give an empty text.

    NaN and infinity do not survive the last step to 8 bit: they come out black or white, and spread from one sample
    to a patch or to the whole picture. Suspicious are a picture of one level where the reference shows more, and one
    with 0.1 % of its samples or more at 0 or 255 although the reference and both frames are 64 levels or more away.
    """
    reference, candidate = answers.reference, answers.candidate
    if candidate.min() == candidate.max() and reference.min() != reference.max():
        return f"every sample at {candidate.min()}"
    lost = (candidate == 0) | (candidate == 255)
    for picture in (reference, answers.pair.visible.pixels, answers.pair.infrared.pixels):
        lost &= _apart(picture, candidate) >= FAR_LEVELS
    share = float(lost.mean())
    return f"{share:.1%} of it black or white where nothing else is" if share >= LEAST_SHARE else ""


def _apart(first: Pixels, second: Pixels) -> Pixels:
    return np.maximum(first, second) - np.minimum(first, second)  # stays uint8 and cannot wrap
