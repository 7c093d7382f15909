"""The renderer of a rig, with the palettes that its file names."""

from __future__ import annotations

from pathlib import Path

from coconet.media.palettes.user_palette import read_palette
from coconet.runtime.drawing.renderer import Renderer
from coconet.runtime.rig.rig_file import Rig


def open_renderer(rig: Rig) -> Renderer:
    """Read the palettes of a rig, and give what draws its looks. Raises CoconetError for a file that is none."""
    return Renderer(
        {name: read_palette(name, Path(file)) for name, file in rig.palettes.items()}, rig.visible.display_name
    )
