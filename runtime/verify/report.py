"""What `coconet verify` found, as a table and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass

from rich.table import Table

from coconet.cards.model_card import ModelCard
from coconet.cards.precision import PRECISIONS, PrecisionName
from coconet.errors import counted
from coconet.runtime.backends.backend import Backend
from coconet.runtime.verify.verification import Verdict, VerdictLimits, Verification


@dataclass(frozen=True)
class ComparedModel:
    """One of the two models: as the user named it, its precision, and what ran it."""

    model: str
    precision: PrecisionName
    backend: str

    @classmethod
    def of(cls, model: str, backend: Backend) -> ComparedModel:
        """Describe an open model."""
        return cls(model, backend.card.precision, backend.name)

    def __str__(self) -> str:
        return f"{self.model} {self.precision}, {self.backend}"


@dataclass(frozen=True)
class VerifyReport:
    """Reference and candidate, what was measured, and the verdict on it.

    doubt: a sentence on whether the two are to be compared so at all, told with a verdict against the candidate.
    """

    reference: ComparedModel
    candidate: ComparedModel
    verification: Verification
    limits: VerdictLimits
    verdict: Verdict
    doubt: str = ""

    def to_json(self) -> str:
        """Indented JSON; an infinite PSNR (equal pictures) and an infinite limit are null."""
        found = self.verification
        answer = {
            "reference": dataclasses.asdict(self.reference),
            "candidate": dataclasses.asdict(self.candidate),
            "parity": _finite(dataclasses.asdict(found.parity)),
            "ssim": found.ssim,
            "lowest_ssim": found.lowest_ssim,
            "metrics": {
                delta.metric: {**dataclasses.asdict(delta), "delta": delta.delta, "relative": delta.relative}
                for delta in found.deltas
            },
            "suspicious": [dataclasses.asdict(frame) for frame in found.suspicious],
            "limits": {
                **dataclasses.asdict(self.limits.parity),
                **_finite({"metric_change": self.limits.metric_change}),
            },
            "passed": self.verdict.passed,
            "reasons": self.verdict.reasons,
        }
        return json.dumps(answer, indent=2, allow_nan=False)

    def rows(self) -> list[tuple[str, str]]:
        """Say what each line is about and what it came to, in words."""
        found, parity = self.verification, self.verification.parity
        suspicious = ", ".join(f"{frame.name} ({frame.reason})" for frame in found.suspicious[:3])
        return [
            ("A, reference", str(self.reference)),
            ("B, candidate", str(self.candidate)),
            ("frames", str(parity.frames)),
            ("error", f"at most {counted(parity.max_abs_error, 'level')}, {parity.mean_abs_error:.3f} on average"),
            ("within one level", f"{parity.within_one_level:.2%} of samples"),
            ("PSNR", f"{parity.psnr_db:.1f} dB over all, {parity.worst_psnr_db:.1f} dB on {parity.worst_frame}"),
            ("SSIM", f"{found.ssim:.4f} on average, {found.lowest_ssim:.4f} at the lowest"),
            *((delta.metric, f"{delta.delta:+.4f} ({delta.relative:+.2%})") for delta in found.deltas),
            ("suspicious", f"{counted(len(found.suspicious), 'frame')}: {suspicious}" if suspicious else "no frame"),
        ]

    def to_table(self) -> Table:
        """Lay the report out for a terminal."""
        table = Table(box=None, show_header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for what, text in self.rows():
            table.add_row(what, text)
        return table

    def sentence(self) -> str:
        """The verdict, with the frame to look at where it is against the candidate."""
        models = f"{self.candidate.model} against {self.reference.model}"
        if self.verdict.passed:
            return f"{models}: within the limits"
        doubt = f" {self.doubt}" if self.doubt else ""
        reasons = "; ".join(self.verdict.reasons)
        return f"{models}: {reasons}.{doubt} Look at {self.verification.parity.worst_frame} first."


def doubt_of(reference: ModelCard, candidate: ModelCard) -> str:
    """What the cards of two models say against comparing them so, as a sentence; empty if nothing."""
    origins = [(card.network, card.weights_sha256) for card in (reference, candidate)]
    if origins[0] != origins[1]:
        what = "networks" if reference.network != candidate.network else "weights"
        return f"The two are different {what}, of which coconet score says which fuses better."
    if PRECISIONS[reference.precision].rate > PRECISIONS[candidate.precision].rate:
        labels = [PRECISIONS[card.precision].label for card in (reference, candidate)]
        return f"The reference is {labels[0]} and the candidate {labels[1]}: they are probably the wrong way round."
    return ""


def _finite(values: dict[str, float]) -> dict[str, float | None]:
    return {name: None if isinstance(value, float) and math.isinf(value) else value for name, value in values.items()}
