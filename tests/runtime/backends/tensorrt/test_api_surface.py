"""Every name of TensorRT that the code uses is in the real bindings of 10.3, 11.4 and TensorRT for RTX."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coconet.runtime.backends.tensorrt.module import rtx_module
from tests.support.models.stub_libraries import stub_libraries

ROOT = Path(__file__).resolve().parents[4]
VERSIONS = ("10.3", "11.4")
"""Bindings that `make test` fetches, without the libraries that they need and that take gigabytes."""

ROLES = {
    "runtime/backends/tensorrt/engine.py": {
        "_engine": "ICudaEngine",
        "engine": "ICudaEngine",
        "_context": "IExecutionContext",
        "context": "IExecutionContext",
        "_runtime": "Runtime",
        "inspector": "EngineInspector",
        "config": "IRuntimeConfig",
        "cache": "IRuntimeCache",
        "trt": "",
        "module": "",
    },
    "runtime/backends/tensorrt/timing.py": {"trt": ""},
    "runtime/backends/tensorrt/module.py": {"trt": "", "severity": "ILogger.Severity"},
    "export/engines/tensorrt_flavour.py": {"trt": "", "config": "IBuilderConfig", "BuilderFlag": "BuilderFlag"},
    "export/engines/build_progress.py": {"trt": ""},
    "export/engines/engine.py": {
        "builder": "Builder",
        "network": "INetworkDefinition",
        "parser": "OnnxParser",
        "config": "IBuilderConfig",
        "profile": "IOptimizationProfile",
        "trt": "",
    },
}
"""What each variable of a file is in TensorRT; empty for the module itself."""

RTX_ONLY = {
    *("IRuntimeConfig.cuda_graph_strategy", "IRuntimeConfig.create_runtime_cache", "IRuntimeConfig.set_runtime_cache"),
    *("IRuntimeCache.serialize", "IRuntimeCache.deserialize", "CudaGraphStrategy", "ComputeCapability"),
    *("IBuilderConfig.num_compute_capabilities", "IBuilderConfig.set_compute_capability"),
    "ICudaEngine.create_runtime_config",  # in 11.4 as well, and used for RTX alone
}

LIST = """
import importlib, json, operator, sys
sys.path.insert(0, sys.argv[1])
trt = importlib.import_module("tensorrt_bindings")
found = {one: dir(operator.attrgetter(one)(trt) if one else trt) for one in sys.argv[2:]}
print(json.dumps([trt.__version__, found]))
"""


def used_names() -> set[str]:
    """Collect `Class.attribute`, or `attribute` of the module, from the sources."""
    found = set()
    for file, roles in ROLES.items():
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            if isinstance(node, ast.Attribute):
                owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
                if owner in roles:
                    found.add(f"{roles[owner]}.{node.attr}".removeprefix("."))
    return found


USED = used_names()


def owners(names: set[str]) -> list[str]:
    return sorted({name.rpartition(".")[0] for name in names})


def lacking(names: set[str], offered: dict[str, list[str]]) -> set[str]:
    return {name for name in names if name.rpartition(".")[2] not in offered.get(name.rpartition(".")[0], ())}


def test_the_sources_are_searched_for_names() -> None:
    assert {
        "IExecutionContext.execute_async_v3",
        "IExecutionContext.set_tensor_address",
        "ICudaEngine.get_tensor_profile_shape",
        "Builder.build_serialized_network",
        "ILogger",
    } <= USED


@pytest.mark.parametrize("version", VERSIONS)
def test_every_name_is_in_the_bindings(tmp_path: Path, version: str) -> None:
    bindings = Path(sys.prefix) / f"tensorrt-bindings-{version}"
    binding = bindings / "tensorrt_bindings" / "tensorrt.so"
    if not binding.is_file():
        pytest.skip(f"no bindings of TensorRT {version}: `make test` fetches them")
    stub_libraries(tmp_path, binding, ("libnv",), "create|get|init")
    told = subprocess.run(
        [sys.executable, "-c", LIST, bindings, *owners(USED - RTX_ONLY)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
    )
    found, offered = json.loads(told.stdout)
    assert found.startswith(version)
    assert lacking(USED - RTX_ONLY, offered) == set()


def test_every_name_is_in_tensorrt_for_rtx() -> None:
    module = rtx_module()
    offered = {}
    for name in owners(USED):
        owner = module
        for part in filter(None, name.split(".")):
            owner = getattr(owner, part)
        offered[name] = dir(owner)
    assert lacking(USED, offered) == set()
