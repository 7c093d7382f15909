"""Empty shared libraries in place of ones that cannot be had here, so that the real bindings of them import."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest


def stub_libraries(folder: Path, binding: Path, libraries: tuple[str, ...], symbols: str) -> None:
    """Compile `libraries` (names begin so) that `binding` needs, the first with all functions `symbols` matches.

    Nothing in them can be called. Skips the test if there is no compiler.
    """
    if not all(shutil.which(tool) for tool in ("gcc", "nm", "objdump")):
        pytest.skip("no gcc and binutils to compile empty libraries with: apt install gcc")
    told = subprocess.run(["objdump", "-p", binding], capture_output=True, text=True, check=True).stdout
    needed = [name for name in re.findall(r"NEEDED\s+(\S+)", told) if name.startswith(libraries)]
    needed = needed or list(libraries)  # some linkers leave a library out until it is loaded
    listed = subprocess.run(["nm", "-D", "--undefined-only", binding], capture_output=True, text=True, check=True)
    functions = sorted({name for name in re.findall(r"U (\w+)", listed.stdout) if re.match(symbols, name)})
    for index, name in enumerate(needed):
        source = folder / f"{index}.c"
        source.write_text("".join(f"int {one}(void) {{ return 0; }}\n" for one in functions) if index == 0 else "\n")
        options = ["-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", folder / name]
        subprocess.run(["gcc", *options, source], check=True, capture_output=True)
