"""Files that belong together, such as an engine and its card, given their names as nearly at one moment as can be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from coconet.files import disk_errors_of, whole_file


@contextmanager
def whole_together(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Give a scratch path beside each of `paths`; rename all, in this order, if the block ends without an error.

    All are on the disk before the first has its name, so that only renames lie between the first and the last: a kill
    or a power cut that falls just there leaves the first ones new and the last one as it was. What reads them has to
    tell that such a half is one. Raises as coconet.files.whole_file.
    """
    with ExitStack() as stack:
        scratches = [stack.enter_context(whole_file(path)) for path in reversed(paths)][::-1]
        yield tuple(scratches)
        for path, scratch in zip(paths, scratches, strict=True):
            with disk_errors_of(path), scratch.open("rb+") as stream:
                os.fsync(stream.fileno())
