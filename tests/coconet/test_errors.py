from __future__ import annotations

import pytest

from coconet.errors import CoconetError, MissingPackage


def test_an_error_says_where_wanted_got_and_what_to_do() -> None:
    error = CoconetError("rig.toml", wanted="a table [visible]", got="none", remedy="Add it.")
    assert str(error) == "rig.toml: wanted a table [visible], got none. Add it."


@pytest.mark.parametrize(("extra", "command"), [("rtx", "'coconet-edge[rtx]'"), ("", "'coconet-edge'")])
def test_a_missing_package_names_the_extra_that_brings_it(extra: str, command: str) -> None:
    error = MissingPackage("x", job="y", extra=extra)
    assert isinstance(error, ImportError)
    assert str(error).endswith(f"pip install {command}")
