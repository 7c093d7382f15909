"""Pieces of Markdown that pages made from the code consist of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from inspect import cleandoc


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; none if it has no rows."""
    cells = [[cell.replace("|", r"\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *cells)]
    return lines if rows else []


def plain(text: str) -> str:
    """Text of a docstring as Markdown: nothing in it is a tag or a link."""
    return re.sub(r"(?<!`)<([^<>`]+)>", r"&lt;\1&gt;", cleandoc(text)).replace("\\[", "[").replace("\b", "")


def page_of(lines: Sequence[str]) -> str:
    """Lines as the text of a page."""
    return "\n".join(lines) + "\n"
