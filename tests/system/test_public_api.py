"""What `import coconet` offers: light to import, whole for type checkers, readable in help()."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import coconet
from coconet.installation.remedy import remedy_for
from tests.support.documents.python_examples import EXAMPLES

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "coconet" / "__init__.py"


def answer_of(code: str) -> str:
    """What a fresh Python prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def shown_to_type_checkers() -> dict[str, str]:
    """The names imported under TYPE_CHECKING, and the modules they are imported from."""
    blocks = (node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.If))
    (block,) = (block for block in blocks if ast.unparse(block.test) == "TYPE_CHECKING")
    imports = (node for node in block.body if isinstance(node, ast.ImportFrom))
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_importing_it_imports_nothing_that_has_to_be_installed() -> None:
    known = "{name.partition('.')[0] for name in sys.modules}"
    code = f"import sys; before = {known}; import coconet; print(*sorted({known} - before - sys.stdlib_module_names))"
    assert answer_of(code).split() == ["coconet"]


def test_fusing_without_a_network_needs_no_network_library() -> None:
    heavy = "'torch', 'cv2', 'onnxruntime', 'onnx', 'scipy', 'av'"
    code = f"import sys, coconet; coconet.load('average').close(); print({{{heavy}}} & set(sys.modules))"
    assert answer_of(code) == "set()\n"


IN_THE_BASE_ALONE = """
import sys

class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "scipy", "onnx", "safetensors", "onnxscript", "h5py", "tomli_w"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hider())
import coconet, numpy
help(coconet)
for call in ("score(*[numpy.zeros((48, 64), numpy.uint8)] * 3)", "read_card('coconet')", "load('coconet')"):
    try:
        eval(f"coconet.{call}")
    except coconet.MissingPackage as missing:
        print(call, missing, sep="|")
coconet.load("lite", backend="ort").close()
print(all(hasattr(coconet, name) for name in dir(coconet)), coconet.read_card("lite").network)
"""


def test_with_the_base_install_every_name_is_there_and_a_call_that_needs_more_names_the_extra() -> None:
    *_, scored, card, loaded, last = answer_of(IN_THE_BASE_ALONE).splitlines()
    assert scored.endswith(remedy_for("metrics"))
    assert card.endswith(remedy_for("export"))
    assert loaded.endswith(remedy_for("export"))
    assert last == "True lite"


def test_the_names_found_when_used_are_those_that_type_checkers_are_shown() -> None:
    assert shown_to_type_checkers() == coconet._HOMES


@pytest.mark.parametrize("name", sorted(coconet._HOMES))
def test_a_public_name_is_what_its_home_has(name: str) -> None:
    assert getattr(coconet, name) is getattr(import_module(coconet._HOMES[name]), name)
    assert name in dir(coconet)
    assert getattr(coconet, name).__doc__


def test_a_name_it_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'coconet' has no attribute 'lode'"):
        coconet.lode  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError, match="lode"):
        exec("from coconet import lode")  # noqa: S102


def test_everything_is_imported_by_a_star() -> None:
    names: dict[str, object] = {}
    exec("from coconet import *", names)  # noqa: S102
    assert names.keys() >= set(coconet.__all__)


def test_what_it_is_made_of_is_not_offered() -> None:
    public = {name for name in dir(coconet) if not name.startswith("__")}
    assert public == {*coconet._HOMES, *coconet.__all__, "ExitCode"}


def test_help_names_every_public_name_and_shows_every_function() -> None:
    text = answer_of("import coconet; help(coconet)")
    assert [name for name in (*coconet._HOMES, *coconet.__all__) if name not in text] == []
    functions = text[text.index("\nFUNCTIONS") :]
    for name in ("load", "open_rig", "open_pairs", "run", "measure", "score", "read_card", "read_engine_card"):
        assert f"\n    {name}(" in functions


@pytest.mark.slow
def test_a_typed_program_and_the_examples_pass_the_strict_type_checker_and_mistakes_are_found(tmp_path: Path) -> None:
    (tmp_path / "coconet").mkdir()
    for entry in (*(ROOT / "coconet").iterdir(), *(ROOT / part for part in ("runtime", "export", "calibration"))):
        (tmp_path / "coconet" / entry.name).symlink_to(entry)
    (tmp_path / "typed_api.py").write_text((ROOT / "tests" / "support" / "programs" / "typed_api.py").read_text())
    examples = [tmp_path / f"example_{number}.py" for number in range(1, len(EXAMPLES) + 1)]
    for path, example in zip(examples, EXAMPLES, strict=True):
        path.write_text(example)
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--follow-imports", "silent", "--no-error-summary"]
    mypy = [sys.executable, "-m", "mypy", *options, "typed_api.py", *map(str, examples)]
    checked = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")
