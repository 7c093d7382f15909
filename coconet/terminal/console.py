"""What goes to a terminal: text as it is."""

from __future__ import annotations

from typing import IO, Any

from rich.console import Console as RichConsole
from rich.text import Text

from coconet.terminal.notice import harmless


class Console(RichConsole):
    """A console that prints text as it is: in the name of a file, a camera or a model, brackets are no markup.

    Nor are control characters. Colours are said by rich's Text and by styles.
    """

    def __init__(
        self, *, stderr: bool = False, soft_wrap: bool = False, width: int | None = None, file: IO[str] | None = None
    ) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, width=width, file=file, markup=False, emoji=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does."""
        for text in objects:
            if isinstance(text, Text):
                text.plain = harmless(text.plain)  # as long as before, so that the colours stay
        super().print(*objects, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make Text of a string, also of one in a table."""
        return super().render_str(harmless(text), **options)
