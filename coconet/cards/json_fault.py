"""What is wrong with the JSON of a card."""

from __future__ import annotations

import json
import re


def json_fault(error: Exception) -> str:
    """What is wrong with fields of JSON that a dataclass refused, as the rest of a sentence about where they lie."""
    if isinstance(error, json.JSONDecodeError):
        return f"is not valid JSON at line {error.lineno}, column {error.colno}"
    if isinstance(error, KeyError):
        return f"lacks the field {error.args[0]}"
    named = re.search(r"(unexpected|missing) .*?'(\w{1,40})'", str(error)) if isinstance(error, TypeError) else None
    if named is not None:
        return f"{'has the unknown field' if named[1] == 'unexpected' else 'lacks the field'} {named[2]}"
    return "has a field of the wrong kind"
