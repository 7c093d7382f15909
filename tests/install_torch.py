"""Installs PyTorch for the tests: never gigabytes of CUDA libraries on a machine that has no GPU to use them."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys

PIP = (sys.executable, "-m", "pip", "install", "--quiet")


def pulls_cuda(requirement: str) -> bool:
    """Whether pip's own choice for this requirement would bring NVIDIA's CUDA packages; nothing is installed."""
    answer = subprocess.run(
        [*PIP, "--dry-run", "--ignore-installed", "--report", "-", requirement],
        check=True,
        capture_output=True,
        text=True,
    )
    chosen = [entry["metadata"]["name"] for entry in json.loads(answer.stdout)["install"]]
    return any(name.startswith(("nvidia-", "cuda-")) for name in chosen)


def main() -> None:
    requirement = sys.argv[1]
    if importlib.util.find_spec("torch"):
        return
    if shutil.which("nvidia-smi") or not pulls_cuda(requirement):
        subprocess.run([*PIP, requirement], check=True)
        return
    # pip only finds a CUDA build; uv knows where PyTorch's CPU builds lie.
    subprocess.run([*PIP, "uv"], check=True)
    command = [sys.executable, "-m", "uv", "pip", "install", "--torch-backend", "cpu", requirement]
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"error: no CPU build of {requirement} was found. Install one into .venv yourself, then repeat.")


if __name__ == "__main__":
    main()
