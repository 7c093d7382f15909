"""The documentation as a site: every page is in the navigation, and no link is dead."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from coconet.errors import ExitCode
from coconet.installation.catalogue import ORDER
from coconet.metrics.fusion import METRICS
from tests.support.documents.reference_pages import (
    commands_page,
    exit_codes_page,
    metrics_page,
    rig_keys_page,
)

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_has_every_command_and_its_options() -> None:
    text = commands_page()
    assert all(f"### coconet {word}\n" in text for word in ORDER)
    assert "### coconet bench compare\n" in text
    assert "| `--skip-existing` |" in text


def test_the_reference_has_every_table_of_a_rig_with_keys_and_defaults() -> None:
    text = rig_keys_page()
    assert {"[visible]", "[infrared.temperature]", "[alignment.plane]", "[alarms.mqtt]"} <= {
        line.removeprefix("## ") for line in text.splitlines()
    }
    assert "| `offset_ms` | `float` | `0.0` |" in text


def test_the_reference_says_what_every_exit_code_and_metric_is() -> None:
    codes, metrics = exit_codes_page(), metrics_page()
    assert all(f"| {code.value} | {code.name.lower()} | " in codes for code in ExitCode)
    assert all(f"## {metric.name}\n\n{metric.name}:" in metrics for metric in METRICS)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("material") is None, reason="no mkdocs-material, of the extra dev")
def test_the_site_builds_without_a_dead_link(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "site" / "reference" / "commands.html").stat().st_size > 10_000
