from __future__ import annotations

import pickle

import pytest

from coconet.errors import CoconetError, ExitCode, MissingPackage, ending_with, first_line


def test_an_error_says_where_wanted_got_and_what_to_do() -> None:
    error = CoconetError("rig.toml", wanted="a table [visible]", got="none", remedy="Add it.")
    assert str(error) == "rig.toml: wanted a table [visible], got none. Add it."


@pytest.mark.parametrize(("extra", "command"), [("rtx", "'coconet-edge[rtx]'"), ("", "'coconet-edge'")])
def test_a_missing_package_names_the_extra_that_brings_it(extra: str, command: str) -> None:
    error = MissingPackage("x", job="y", extra=extra)
    assert isinstance(error, ImportError)
    assert str(error).endswith(f"pip install {command}")


@pytest.mark.parametrize(
    "error",
    [CoconetError("m.onnx", wanted="a", got="b", remedy="C."), MissingPackage("torch", job="y", extra="export")],
)
def test_an_error_comes_whole_out_of_another_process(error: CoconetError) -> None:
    with pytest.raises(CoconetError), ending_with(ExitCode.MODEL):
        raise error
    came = pickle.loads(pickle.dumps(error))  # noqa: S301  bytes of our own
    assert (type(came), str(came)) == (type(error), str(error))
    assert (came.where, came.wanted, came.got, came.remedy, came.exit_code) == (*told(error), ExitCode.MODEL)


def told(error: CoconetError) -> tuple[str, str, str, str]:
    return error.where, error.wanted, error.got, error.remedy


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n  one\ntwo"), "one"),
        (ValueError(), "ValueError"),
        (RuntimeError(" \n"), "RuntimeError"),
    ],
)
def test_a_foreign_error_says_one_line_and_at_least_its_type(error: Exception, line: str) -> None:
    assert first_line(error) == line
