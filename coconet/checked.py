"""Fields from outside (a rig file, a recipe, an address) checked against a model; errors name the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from coconet.errors import CoconetError


class Checked(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Model = TypeVar("Model", bound=Checked)


def checked(model: type[Model], fields: Mapping[str, Any], where: object) -> Model:
    """Build `model` from parsed fields. Raises CoconetError that names `where` and the first key that does not fit."""
    try:
        return model.model_validate(fields)
    except CoconetError as error:  # from a validator that builds one of our own dataclasses
        raise CoconetError(f"{where}, {error.where}", wanted=error.wanted, got=error.got, remedy=error.remedy) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise CoconetError(
            f"{where}, {key}", wanted=_wanted(model, first), got=_got(first), remedy="Correct or remove this key."
        ) from None


def _wanted(model: type[BaseModel], error: ErrorDetails) -> str:
    own_words = {"missing": "this key", "path_type": "a path"}
    if error["type"] in own_words:
        return own_words[error["type"]]
    if error["type"] != "extra_forbidden":
        return error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    for part in error["loc"][:-1]:
        inner = model.model_fields[str(part)].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return f"one of the keys {', '.join(model.model_fields)}"


def _got(error: ErrorDetails) -> str:
    """Quote the value, unless it may hold an address with a password."""
    if error["type"] == "missing":
        return "nothing"
    value = repr(error["input"])
    return "this one" if error["type"] == "extra_forbidden" or "@" in value else value
