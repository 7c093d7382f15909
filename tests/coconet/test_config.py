from __future__ import annotations

import math
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from coconet.config import Checked, check_fields
from coconet.errors import CoconetError


class Inner(Checked):
    side: Annotated[int, Field(gt=0)] = 1


class Outer(Checked):
    name: str
    inner: Inner = Inner()
    rate: float = 1.0


def test_fields_that_fit_become_a_frozen_model() -> None:
    outer = check_fields(Outer, {"name": "a", "inner": {"side": 3}}, "file.toml")
    assert outer == Outer(name="a", inner=Inner(side=3))
    with pytest.raises(ValidationError, match="frozen"):
        outer.name = "b"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "file.toml, name is missing."),
        ({"name": "a", "inner": {"side": 0}}, "file.toml, inner.side must be more than 0, not 0."),
        ({"name": "a", "sides": 1}, "file.toml, sides is not a known key here; known are name, inner, rate."),
        ({"name": "a", "inner": {"x": 1}}, "file.toml, inner.x is not a known key here; known are side."),
        ({"name": "a", "rate": math.nan}, "file.toml, rate must be a finite number, not nan."),
    ],
)
def test_what_does_not_fit_is_named_by_its_key(fields: dict[str, object], said: str) -> None:
    with pytest.raises(CoconetError) as caught:
        check_fields(Outer, fields, "file.toml")
    assert str(caught.value) == f"{said} {'Add it.' if 'missing' in said else 'Correct or remove this key.'}"


def test_a_value_that_may_hold_a_password_is_not_repeated() -> None:
    with pytest.raises(CoconetError) as caught:
        check_fields(Outer, {"name": "a", "rate": "rtsp://user:secret@camera"}, "file.toml")
    assert "secret" not in str(caught.value)
