from __future__ import annotations

import errno
import pickle
from pathlib import Path

import pytest

from coconet.errors import (
    CoconetError,
    ExitCode,
    MissingPackage,
    Refused,
    counted,
    ending_with,
    first_line,
    nearest,
    nearest_path,
    reading_from,
    system_reason,
)
from coconet.installation.remedy import remedy_for


def test_an_error_says_what_is_wrong_then_what_to_do_and_keeps_its_data_for_programs() -> None:
    error = CoconetError("a.mp4", wanted="a video", got="no file", remedy="Check the path.", says="does not exist")
    assert str(error) == "a.mp4 does not exist. Check the path."
    assert (*told(error), error.says) == ("a.mp4", "a video", "no file", "Check the path.", "does not exist")
    assert (error.moved_to("b").says, str(error.moved_to("b"))) == (
        "does not exist",
        "b does not exist. Check the path.",
    )


def test_no_password_is_repeated_by_a_sentence_of_its_own() -> None:
    error = CoconetError("a", wanted="b", got="c", remedy="D.", says="is not rtsp://me:secret@host/live")
    assert "secret" not in f"{error} {error.says}"


@pytest.mark.parametrize("extra", ["rtx", ""])
def test_a_missing_package_ends_with_what_installs_it_here(extra: str) -> None:
    error = MissingPackage("x", job="y", extra=extra)
    assert isinstance(error, ImportError)
    assert " install " in str(error)
    assert str(error).endswith(remedy_for(extra) if extra else remedy_for())


@pytest.mark.parametrize(
    "error",
    [
        CoconetError("m.onnx", wanted="a", got="b", remedy="C.", says="is b"),
        MissingPackage("torch", job="y", extra="export"),
    ],
)
def test_an_error_comes_whole_out_of_another_process(error: CoconetError) -> None:
    with pytest.raises(CoconetError), ending_with(ExitCode.MODEL):
        raise error
    came = pickle.loads(pickle.dumps(error))  # noqa: S301  bytes of our own
    assert (type(came), str(came)) == (type(error), str(error))
    assert (came.where, came.wanted, came.got, came.remedy, came.exit_code) == (*told(error), error.exit_code)


def told(error: CoconetError) -> tuple[str, str, str, str]:
    return error.where, error.wanted, error.got, error.remedy


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n  one\ntwo"), "one"),
        (ValueError("found:\n\n  - one side\n  - two"), "found: - one side"),
        (ValueError("found:"), "found:"),
        (ValueError(), "ValueError"),
        (RuntimeError(" \n"), "RuntimeError"),
    ],
)
def test_a_foreign_error_says_one_line_and_at_least_its_type(error: Exception, line: str) -> None:
    assert first_line(error) == line


@pytest.mark.parametrize(("kind", "code"), [(CoconetError, ExitCode.MODEL), (Refused, ExitCode.REFUSED)])
def test_what_is_refused_keeps_its_exit_code_wherever_it_is_found(kind: type[CoconetError], code: ExitCode) -> None:
    with pytest.raises(kind) as caught, ending_with(ExitCode.MODEL):
        raise kind("--model", wanted="a", got="b", remedy="C.", says="is b")
    assert caught.value.exit_code == code


@pytest.mark.parametrize(("begun", "code"), [(False, ExitCode.REFUSED), (True, ExitCode.CAMERA)])
def test_what_is_refused_in_mid_run_says_which_part_it_was(begun: bool, code: ExitCode) -> None:
    with pytest.raises(Refused) as caught, ending_with(ExitCode.CAMERA, begun=begun):
        raise Refused("7.png", wanted="a picture file", got="no such file", remedy="Check the path.", says="is gone")
    assert caught.value.exit_code == code


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied"), "cannot be read as a folder: Permission denied"),
        (ValueError("null byte"), "is a name that no file can have; expected a folder"),
    ],
)
def test_what_the_operating_system_refuses_to_read_is_refused_in_words(error: Exception, said: str) -> None:
    with pytest.raises(Refused, match=f"x {said}"), reading_from(Path("x"), "a folder"):
        raise error


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from m.onnx failed:No protobuf.", "No protobuf."),
        ("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Unexpected input data type.", "Unexpected input data type."),
        (
            "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running MatMul node. Name:'/a/b' "
            "Status Message: matmul_helper.h:59 Compute MatMul dimension mismatch",
            "the operation MatMul /a/b failed: Compute MatMul dimension mismatch",
        ),
        (
            "/src/load.h:46 void onnxruntime::load::Check(const std::map<int, int>&, bool) Opset 99 is new",
            "Opset 99 is new",
        ),
        (
            "[ONNXRuntimeError] : 1 : FAIL : /src/ops.h:563 void ort::Init(ptrdiff_t) axis == 1 was false. Got 3 by 4",
            "Got 3 by 4",
        ),
        (
            "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from a.onnx failed:Protobuf parsing failed.",
            "Protobuf parsing failed.",
        ),
        (
            "Exception from src/core.cpp:84:\nCheck 'a == b' failed at src/matmul.cpp:45:\nShapes differ",
            "Shapes differ",
        ),
    ],
)
def test_the_first_line_has_no_source_files_of_another_library(said: str, kept: str) -> None:
    assert first_line(RuntimeError(said)) == kept


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "Connection refused"),
        (OSError(1094995529, "Invalid data found when processing input"), "it is damaged"),
        (ValueError("Invalid data"), "it is damaged"),
        (OSError(), "it is damaged"),
    ],
)
def test_what_the_operating_system_says_is_repeated_and_what_a_library_says_is_not(error: Exception, said: str) -> None:
    assert system_reason(error, "it is damaged") == said


def test_a_sentence_that_ends_in_foreign_text_has_one_full_stop() -> None:
    error = CoconetError("m.onnx", wanted="a model", got="none", remedy="Copy it.", says="is damaged: Parsing failed.")
    assert str(error) == "m.onnx is damaged: Parsing failed. Copy it."


def test_the_first_line_has_no_colours_of_a_terminal() -> None:
    assert first_line(RuntimeError("\x1b[96m[torch.onnx]\x1b[0m Failed\nadvice")) == "[torch.onnx] Failed"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            'Constraints violated (height)! For more information, run with TORCH_LOGS="+dynamic".',
            "Constraints violated (height)!",
        ),
        ("No such operator. Please report this to the maintainers.", "No such operator."),
        ("Could not guard on u0. Consider using torch._check.", "Could not guard on u0."),
        ("Please load a model first", "Please load a model first"),
        ("wanted 3. Got 4", "wanted 3. Got 4"),
    ],
)
def test_the_first_line_has_no_advice_for_programmers_of_another_library(said: str, kept: str) -> None:
    assert first_line(RuntimeError(said)) == kept


def test_one_of_a_kind_is_said_in_the_singular() -> None:
    said = [counted(number, noun) for noun in ("frame", "patch") for number in (0, 1, 2)]
    assert said == ["0 frames", "1 frame", "2 frames", "0 patches", "1 patch", "2 patches"]


@pytest.mark.parametrize(
    ("word", "question"),
    [("ironbwo", "Did you mean ironbow? "), ("Lite_FP16", "Did you mean lite-fp16? "), ("zebra", ""), ("", "")],
)
def test_a_misspelt_word_gets_the_nearest_known_one(word: str, question: str) -> None:
    assert nearest(word, ["ironbow", "jet", "lite", "lite-fp16"]) == question


@pytest.mark.parametrize(
    ("gone", "near"),
    [
        ("fod", "food"),
        ("food", ""),
        ("ir.mp4", ""),
        ("dya.mp4", "day.mp4"),
        ("day.mkv", "day.mp4"),
        ("inner/x", ""),
        ("gone/day.mp4", ""),
        ("zero\0", ""),
    ],
)
def test_a_misspelt_path_gets_what_lies_beside_it_unless_the_ending_alone_is_alike(
    tmp_path: Path, gone: str, near: str
) -> None:
    for name in ("food", "vis.mp4", "day.mp4", "day.txt", ".fodd", "inner"):
        (tmp_path / name).mkdir()
    assert nearest_path(tmp_path / gone) == (f"Did you mean {tmp_path / near}? " if near else "")
