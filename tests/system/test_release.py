"""A release says one version everywhere, and takes nothing away that docs/stability.md promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coconet import ExitCode, __version__
from tests.support.documents.api_page import api_page, public_names
from tests.support.documents.install_lines import DOCUMENTS
from tests.support.documents.stable_names import present_names, promised_names

ROOT = Path(__file__).resolve().parents[2]
CHANGES = (ROOT / "CHANGELOG.md").read_text()
yaml = pytest.importorskip("yaml")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_the_newest_version_of_the_changes_and_of_the_citation_is_that_of_the_code() -> None:
    versions = re.findall(r"^## (\S+) \((\d+) (\w+) (\d+)\)$", CHANGES, re.MULTILINE)
    assert versions[0][0] == CITATION["version"] == __version__
    day, month, year = versions[0][1:]
    assert CITATION["date-released"] == f"{year}-{['November', 'December'].index(month) + 11}-{int(day):02}"
    assert [one[0] for one in versions] == sorted({one[0] for one in versions}, reverse=True)


def test_documents_name_images_of_this_version_alone() -> None:
    texts = [path.read_text() for pattern in DOCUMENTS for path in ROOT.glob(pattern)]
    named = {version for text in texts for version in re.findall(r"coconet(?:-\w+)?:(\d+\.\d+\.\d+)", text)}
    assert named == {__version__}


def test_the_citation_has_what_its_format_requires() -> None:
    assert {"cff-version", "message", "title", "authors"} <= CITATION.keys()
    assert CITATION["license"] == "Apache-2.0"
    (paper,) = CITATION["references"]
    assert {"type", "title", "authors"} <= paper.keys()
    assert paper["title"] in " ".join((ROOT / "README.md").read_text().replace("*", "").split())


def test_no_name_that_is_called_stable_has_gone() -> None:
    gone = promised_names() - present_names()
    assert gone == set(), "say it in CHANGELOG.md, then: python -m tests.support.documents.stable_names"


@pytest.mark.parametrize("name", ["command coconet run --overwrite", "rig [infrared] offset_ms", "api coconet.load"])
def test_commands_options_keys_and_calls_are_all_looked_at(name: str) -> None:
    assert {name, f"exit code {ExitCode.CAMERA.value} CAMERA", "card ModelCard network"} <= present_names()


def test_the_reference_has_every_public_name() -> None:
    text = api_page()
    assert all(f"### coconet.{name}\n" in text for name in public_names())
    assert "load(\n    model: Path | str,\n    *,\n    backend: str = 'auto'," in text
    assert "| `infrared` | `Frame` | needed |" in text
