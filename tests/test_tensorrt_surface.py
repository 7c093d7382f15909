"""Every name of TensorRT that the code uses is in the real bindings of 11.4 and of RTX, and in the table of 10.3."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stub_libraries import stub_libraries

from runtime.tensorrt_module import rtx_module

ROOT = Path(__file__).resolve().parents[1]
BINDINGS_11 = Path(sys.prefix) / "tensorrt-bindings-11"
"""Where `make test` puts the bindings of 11.4, without the libraries that they need and that take gigabytes."""

ROLES = {
    "runtime/trt_engine.py": {
        "_engine": "ICudaEngine",
        "engine": "ICudaEngine",
        "_context": "IExecutionContext",
        "context": "IExecutionContext",
        "_runtime": "Runtime",
        "config": "IRuntimeConfig",
        "cache": "IRuntimeCache",
        "trt": "",
        "module": "",
    },
    "runtime/layer_times.py": {"trt": ""},
    "runtime/tensorrt_module.py": {"trt": "", "severity": "ILogger.Severity"},
    "export/tensorrt_flavour.py": {"trt": "", "config": "IBuilderConfig"},
    "export/build_progress.py": {"trt": ""},
    "export/engine.py": {
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

PUBLISHED_10_3 = {
    "": "Builder DataType ILogger IProfiler IProgressMonitor MemoryPoolType NetworkDefinitionCreationFlag OnnxParser "
    "Runtime TensorIOMode __version__",
    "ICudaEngine": "create_execution_context get_tensor_dtype get_tensor_mode get_tensor_name get_tensor_profile_shape "
    "get_tensor_shape num_io_tensors",
    "IExecutionContext": "execute_async_v3 get_tensor_shape infer_shapes profiler set_input_shape set_tensor_address",
    "Runtime": "deserialize_cuda_engine",
    "ILogger.Severity": "ERROR INTERNAL_ERROR WARNING",
    "Builder": "build_serialized_network create_builder_config create_network create_optimization_profile",
    "INetworkDefinition": "get_input get_output num_inputs num_outputs",
    "OnnxParser": "get_error parse_from_file",
    "IBuilderConfig": "add_optimization_profile builder_optimization_level progress_monitor set_memory_pool_limit",
    "IOptimizationProfile": "set_shape",
}
"""Names of 10.3, kept by hand, as it installs nowhere here: look a new name up there before using it."""

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
CLASSES = sorted({name.rpartition(".")[0] for name in USED})


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


def test_every_name_is_in_the_bindings_of_11_4(tmp_path: Path) -> None:
    if not (BINDINGS_11 / "tensorrt_bindings").is_dir():
        pytest.skip("no bindings of TensorRT 11.4: `make test` fetches them")
    binding = BINDINGS_11 / "tensorrt_bindings" / "tensorrt.so"
    stub_libraries(tmp_path, binding, ("libnv",), "create|get|init")
    classes = [name for name in CLASSES if name not in ("IRuntimeCache",)]
    told = subprocess.run(
        [sys.executable, "-c", LIST, BINDINGS_11, *classes],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
    )
    version, offered = json.loads(told.stdout)
    assert version.startswith("11.4")
    assert lacking(USED - RTX_ONLY, offered) == set()


def test_every_name_is_in_tensorrt_for_rtx() -> None:
    module = rtx_module()
    offered = {}
    for name in CLASSES:
        owner = module
        for part in filter(None, name.split(".")):
            owner = getattr(owner, part)
        offered[name] = dir(owner)
    assert lacking(USED, offered) == set()


def test_every_name_stands_in_the_table_of_10_3() -> None:
    offered = {owner: names.split() for owner, names in PUBLISHED_10_3.items()}
    assert lacking(USED - RTX_ONLY, offered) == set()
