"""The manifests for Kubernetes in the documents parse, and what they call is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from coconet.runtime.serving.inference_app import inference_app
from tests.support.programs.command_line import command

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "fleet.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def manifests() -> dict[str, Any]:
    """Every manifest by its kind."""
    yaml = pytest.importorskip("yaml", reason="reads manifests: pip install pyyaml")
    return {found["kind"]: found for found in map(yaml.safe_load, BLOCKS)}


def options_of(name: str) -> str:
    return command(name, "--help").out


def test_there_is_a_manifest_for_each_way() -> None:
    found = manifests()
    assert {kind: one["apiVersion"] for kind, one in found.items()} == {
        "RayJob": "ray.io/v1",
        "InferenceService": "serving.kserve.io/v1beta1",
        "Deployment": "apps/v1",
    }
    assert found["InferenceService"]["spec"]["predictor"]["model"]["protocolVersion"] == "v2"


def test_what_they_run_are_commands_and_options_that_there_are() -> None:
    found = manifests()
    (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    for words in (shlex.split(found["RayJob"]["spec"]["entrypoint"]), container["command"]):
        assert words[0] == "coconet"
        told = options_of(words[1])
        assert [word for word in words if word.startswith("--") and word not in told] == []


def test_probes_ask_what_the_server_answers() -> None:
    (container,) = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    source = Path(inference_app.__code__.co_filename).read_text()
    for probe in ("readinessProbe", "livenessProbe"):
        assert f'Route("{container[probe]["httpGet"]["path"]}"' in source
