"""The check of words finds each of them, across lines as well, and leaves names and true places alone."""

from __future__ import annotations

import pytest

from tests.check_words import find_words

FOUND = {
    "It is built anew.": "docs/x.md:1: anew: say: again",
    "# the first\n# whoever\n# asks": "a.py:2: whoever: name the mechanism, not a person",
    '"""After so\n    many frames."""': "a.py:1: so many: say: this many, a number of, or name the variable",
    "    # Raises OSError\n    # where it fails": "a.py:1: Raises OSError # where: say: if",
    "def told(self) -> None:": "a.py:1: def told(: a function is named by a verb",
    "painted://?fps=30": "docs/x.md:1: painted: say: synthetic",
    "what mends it": "docs/x.md:1: mends: say: repair, or fix",
}


@pytest.mark.parametrize("text", FOUND)
def test_a_word_is_found_with_its_line_and_what_to_say(text: str) -> None:
    assert [*find_words(FOUND[text].partition(":")[0], text)] == [FOUND[text]]


@pytest.mark.parametrize(
    "text", ["--mend-dead-pixels", "mend_dead_pixels = true", "so many that it fails", "a place where it lies", "whose"]
)
def test_names_and_plain_words_are_left_alone(text: str) -> None:
    assert [*find_words("docs/x.md", text)] == []


def test_the_former_scheme_is_known_only_to_the_files_that_read_it() -> None:
    assert [*find_words("runtime/cameras/open_camera.py", "painted")] == []
    assert [*find_words("runtime/cameras/files.py", "painted")] != []
