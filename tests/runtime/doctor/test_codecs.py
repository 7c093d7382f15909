"""The doctor's look at video encoders and decoders, on machines made of files; the trial itself runs for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from coconet.runtime.doctor.codecs import decoder_findings, encoder_findings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "dev" / "dri").mkdir(parents=True)
    return tmp_path


def test_a_machine_without_a_device_is_told_what_is_taken(root: Path) -> None:
    (finding,) = encoder_findings(root, lambda _: pytest.fail("nothing is there to be tried"))
    assert finding.found == "no device of a hardware encoder; libx264 on the processor is taken"


def test_every_encoder_that_may_be_there_is_tried_and_the_first_that_works_is_taken(root: Path) -> None:
    (root / "dev" / "nvidiactl").touch()
    (root / "dev" / "dri" / "renderD128").touch()
    found = list(encoder_findings(root, {"h264_nvenc": "no such driver", "h264_vaapi": "none"}.get))  # type: ignore[arg-type]
    assert [(one.subject, one.state) for one in found] == [
        ("encoder h264_nvenc", "note"),
        ("encoder h264_vaapi", "note"),
        ("encoders", "ok"),
    ]
    assert found[0].found == "does not encode 1280x720: no such driver"
    assert found[-1].found == "h264_qsv, h264_amf; h264_qsv is taken"


def test_a_device_without_its_driver_is_noted_with_what_the_trial_said(root: Path) -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine may have NVENC")
    (root / "dev" / "nvidiactl").touch()
    note, taken = encoder_findings(root)
    assert note.subject == "encoder h264_nvenc"
    assert note.found.startswith("does not encode 1280x720: ")
    assert "Traceback" not in note.found
    assert taken.found == "libx264 on the processor is taken"


def test_decoders_are_looked_at_as_encoders_are(root: Path) -> None:
    (root / "dev" / "nvidiactl").touch()
    note, taken = decoder_findings(root, {"nvdec": "Cannot load libnvcuvid.so.1"}.get)  # type: ignore[arg-type]
    assert (note.subject, note.state) == ("decoder nvdec", "note")
    assert note.found == "does not decode H.264 of 1280x720: Cannot load libnvcuvid.so.1"
    assert taken.found == "FFmpeg on the processor is taken"


def test_a_decoder_without_its_driver_is_noted_with_what_the_trial_said(root: Path) -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine may have NVDEC")
    (root / "dev" / "nvidiactl").touch()
    note, taken = decoder_findings(root)
    assert note.found.startswith("does not decode H.264 of 1280x720: ")
    assert "Traceback" not in note.found
    assert taken.found == "FFmpeg on the processor is taken"
