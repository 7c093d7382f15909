"""Views of one picture: the fused one, or a camera's."""

from __future__ import annotations

from coconet.runtime.views.scene import PALETTE_KEYS, ViewKind

FUSED = ViewKind("Fused", lambda scene: scene.frame.pixels)

VISIBLE = ViewKind("Visible", lambda scene: scene.side("visible"))

INFRARED = ViewKind("Infrared", lambda scene: scene.side("infrared"), PALETTE_KEYS)
