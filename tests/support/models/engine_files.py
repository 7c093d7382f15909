"""An engine file with its card, for what reads cards and runs nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from coconet.cards.engine_card import BuildOptions, EngineCard, card_path
from coconet.cards.frame_size import FrameSize, SizeProfile
from coconet.cards.model_card import CalibrationRecord, ModelCard
from coconet.files import sha256_of

PROFILE = SizeProfile(FrameSize(256, 320), FrameSize(480, 640), FrameSize(1024, 1280))
CARD = EngineCard(
    model=ModelCard("lite", "int8", "0" * 64, calibration=CalibrationRecord(3, "1" * 64, "max")),
    onnx_sha256="2" * 64,
    engine_sha256="3" * 64,
    flavour="tensorrt_rtx",
    tensorrt_version="1.7.1",
    targets=("sm86", "sm89"),
    device=None,
    options=BuildOptions(("sm86", "sm89"), PROFILE, workspace_mib=512, optimization_level=3),
)


def write_engine(folder: Path) -> Path:
    """Write `model.engine`, which no TensorRT reads, and CARD beside it with its hash; give the engine."""
    engine = folder / "model.engine"
    engine.write_bytes(b"plan")
    card_path(engine).write_text(replace(CARD, engine_sha256=sha256_of(engine)).to_json())
    return engine
