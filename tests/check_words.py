"""Finds words that make English hard to read, in documents, the page, and all that stands in the sources.

python -m tests.check_words prints a line for each, and ends with exit code 1 if there is any. `make lint` calls it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENDINGS = (".py", ".md", ".html", ".js", ".css", ".jinja", ".toml", ".service")
GAP = r"[\s#*/]+"
"""What may stand between two words of one sentence: also the end of a line, and the sign that begins a comment."""

WORDS = {
    r"\banew\b": "say: again",
    r"(?<![-\w])mend(?:s|ed|ing)?(?![-\w])": "say: repair, or fix",
    r"\bfalter(?:s|ed|ing)?\b": "name what fails",
    r"\bpainted\b": "say: synthetic",
    rf"\bso{GAP}many\b(?!{GAP}that\b)": "say: this many, a number of, or name the variable",
    rf"\bwho{GAP}(?:is|are){GAP}told\b": "name what receives it",
    rf"\b(?:some|any|no)body{GAP}(?:who|that)\b|\bsomeone{GAP}who\b|\bwhoever\b": "name the mechanism, not a person",
    rf"\bwhere{GAP}(?:none|given|needed|possible|there{GAP}(?:is|are){GAP}no(?:ne)?)\b": "say: if",
    rf"\b(?:[Ee]mpty|None|[Rr]aises?{GAP}[A-Z]\w+){GAP}where\b": "say: if",
}
IN_SOURCES = {r"\bdef _?(?:told|shown|opened)(?:_\w+)?\(": "a function is named by a verb"}
FORMER_SCHEME = {
    *("runtime/cameras/open_camera.py", "coconet/redaction.py", "tests/coconet/test_redaction.py"),
    *("tests/runtime/cameras/test_open_camera.py", "tests/support/servers/secret_addresses.py"),
}
"""Files that know an address that was called painted:// once."""

LISTS = {"tests/check_words.py", "tests/system/test_check_words.py"}
"""Files that are about the words themselves."""


def files() -> list[str]:
    """Return the names of all files of the repository that people write and read."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if name.endswith(ENDINGS) and (ROOT / name).is_file()]


def find_words(name: str, text: str) -> Iterator[str]:
    """Yield a sentence for each word in the text of a file of this name: its line, the words, and what to do."""
    if name in LISTS:
        return
    rules = {**WORDS, **IN_SOURCES} if name.endswith(".py") and not name.startswith("tests/") else WORDS
    for form, advice in rules.items():
        for found in re.finditer(form, text):
            if not ("painted" in form and name in FORMER_SCHEME):
                line = text.count("\n", 0, found.start()) + 1
                yield f"{name}:{line}: {' '.join(found[0].split())}: {advice}"


def main() -> int:
    """Print what is found in the repository."""
    found = [sentence for name in files() for sentence in find_words(name, (ROOT / name).read_text())]
    sys.stdout.writelines(f"{sentence}\n" for sentence in found)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
