"""What pip would install on another machine: uv resolves requirements for its Python, processor and C library."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

UV = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


@dataclass(frozen=True)
class Machine:
    """A kind of machine. name: of the devices that are one. platform: processor and oldest C library, as uv says it."""

    name: str
    python: str
    platform: str

    @property
    def key(self) -> str:
        """Python and processor, such as `3.10 aarch64`."""
        return f"{self.python} {self.platform.partition('-')[0]}"


MACHINES = (
    Machine("JetPack 6", "3.10", "aarch64-manylinux_2_35"),
    Machine("JetPack 7", "3.12", "aarch64-manylinux_2_39"),
    Machine("Ubuntu 22.04", "3.10", "x86_64-manylinux_2_35"),
    Machine("Ubuntu 24.04", "3.12", "x86_64-manylinux_2_39"),
)

BETWEEN = (
    Machine("Debian 12", "3.11", "aarch64-manylinux_2_36"),
    Machine("Debian 13", "3.13", "x86_64-manylinux_2_40"),  # it has 2.41, which uv has no word for
)
"""Machines with the other Pythons: asked the same, one processor each, without a column of their own in the tables."""

FROM_SOURCE = {
    "flyr": "pure Python without a wheel",
    "tensorrt": "names the packages of its CUDA",
    "tensorrt-cu12": "names the libraries and the bindings",
    "tensorrt-cu13": "names the libraries and the bindings",
    "pycuda": "is compiled on the device, with its CUDA",
}
"""Packages that are no wheels, and why that is in order. Nothing else may be built on a device."""

FROM_NVIDIA = ("tensorrt-cu12-libs", "tensorrt-cu13-libs")
"""Libraries that NVIDIA serves itself, gigabytes of them: what the index has under their names only fetches them."""

ABSENT = {
    "3.10 aarch64": {"onnxruntime-gpu"},
    "3.11 aarch64": {"onnxruntime-gpu of CUDA 12"},
    "3.12 aarch64": {"onnxruntime-gpu of CUDA 12"},
}
"""What a machine cannot have: a Jetson runs engines in its place."""

FIRST_OF_CUDA_13 = "1.27"
"""Of onnxruntime-gpu: older ones are for CUDA 12."""


class Unresolvable(Exception):
    """There is no set of versions that fits together; says why."""


@dataclass(frozen=True)
class Outcome:
    """How it went. state: `ok`, `absent` as ABSENT says, or `red`. told: the chosen versions, or why there are none."""

    state: Literal["ok", "absent", "red"]
    told: tuple[str, ...]


def outcome(requirements: Sequence[str], machine: Machine, cache: Path) -> Outcome:
    """Resolve requirements for a machine and judge it: what is there against ABSENT is as red as what is not there."""
    absent = missing_on(requirements, machine)
    try:
        found = tuple(resolve(requirements, machine, cache))
    except Unresolvable as error:
        return Outcome("absent" if absent else "red", (str(error),))
    return Outcome("red", (f"{', '.join(absent)}: there after all",)) if absent else Outcome("ok", found)


def missing_on(requirements: Sequence[str], machine: Machine) -> set[str]:
    """Those of the requirements that ABSENT says a machine cannot have."""
    named = {one.name: one.specifier for one in map(Requirement, requirements)}
    names = {*named}
    if "onnxruntime-gpu" in named and not named["onnxruntime-gpu"].contains(FIRST_OF_CUDA_13):
        names.add("onnxruntime-gpu of CUDA 12")
    return names & ABSENT.get(machine.key, set())


def resolve(requirements: Sequence[str], machine: Machine, cache: Path, seconds: float = 600.0) -> list[str]:
    """Resolve requirements for a machine; the chosen `name==version` of each package. cache: uv's folder for answers.

    Raises Unresolvable if there is no such set, and where the index cannot be reached.
    """
    if UV is None:
        raise Unresolvable("no uv")
    dropped = cache / "from-nvidia.txt"
    cache.mkdir(parents=True, exist_ok=True)
    if not dropped.exists():  # others may be reading it
        dropped.write_text("".join(f"{name} ; python_version < '0'\n" for name in FROM_NVIDIA))
    command = [UV, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--cache-dir", str(cache)]
    command += ["--python-platform", machine.platform, "--python-version", machine.python]
    command += ["--override", str(dropped), "--only-binary", ":all:"]
    command += [word for name in FROM_SOURCE for word in ("--no-binary", name)]
    given = "\n".join(requirements)
    try:
        done = subprocess.run(
            [*command, "-"], input=given, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unresolvable(f"no answer within {seconds:.0f} s") from error
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if not line.startswith(("WARNING", "warning"))]
        raise Unresolvable(" ".join(" ".join(told).split()))
    return [line for line in done.stdout.split() if "==" in line]
