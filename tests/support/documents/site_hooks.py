"""What mkdocs asks for while it builds the site: pages made from the code, and links that leave the folder docs/.

mkdocs.yml names this file; `make site` builds the site.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from tests.support.documents.reference_pages import reference_pages

ROOT = Path(__file__).resolve().parents[3]

FROM_ELSEWHERE = {
    "index.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    "CITATION.cff": "CITATION.cff",
    "contributing.md": "CONTRIBUTING.md",
    "reference/lite.md": "coconet/weights/lite.md",
    "reference/coconet.md": "coconet/weights/coconet.md",
}
"""Pages and files of the site that lie outside docs/ in the repository."""

_LINK = re.compile(r"(\]\()([^)#\s:]+)(?=[)#])")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made from the code, and those that lie elsewhere in the repository."""
    elsewhere = {page: (ROOT / name).read_text() for page, name in FROM_ELSEWHERE.items()}
    for name, text in {**reference_pages(), **elsewhere}.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point the links of a page to where their files are in the site."""
    home = Path(FROM_ELSEWHERE.get(page.file.src_uri, f"docs/{page.file.src_uri}")).parent
    up = "../" * page.file.src_uri.count("/")
    return _LINK.sub(lambda found: f"{found[1]}{up}{_in_site(home, found[2])}", markdown) if up or home else markdown


def _in_site(home: Path, target: str) -> str:
    """Where a file of the repository, named from the folder `home`, is in the site, from its root."""
    if home.parts[:2] == ("docs", "reference"):  # made for the site: named from there
        return (Path("reference") / target).as_posix() if not target.startswith("../") else target.removeprefix("../")
    path = (ROOT / home / target).resolve().relative_to(ROOT).as_posix()
    pages = {name: page for page, name in FROM_ELSEWHERE.items()}
    return pages.get(path, path.removeprefix("docs/"))
