"""Every example of docs/python.md runs as it stands there, in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import coconet
from tests.support.documents.python_examples import DOCUMENT, EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"example {number}" for number in range(1, len(EXAMPLES) + 1)])
def test_an_example_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(DOCUMENT), "exec"), {"__name__": "__main__"})  # noqa: S102  our own document


def test_every_public_function_has_an_example_and_every_name_is_mentioned() -> None:
    code, text = "\n".join(EXAMPLES), DOCUMENT.read_text()
    functions = ("load", "open_rig", "open_pairs", "pair_cameras", "run", "measure", "score", "read_card")
    assert [name for name in functions if f"coconet.{name}(" not in code] == []
    assert [name for name in coconet.__all__ if name not in text] == []
