"""All views by their names."""

from __future__ import annotations

from coconet.runtime.views.alignment import ALIGNMENT
from coconet.runtime.views.blend import BLEND
from coconet.runtime.views.edges import EDGES
from coconet.runtime.views.inset import INSET
from coconet.runtime.views.isotherm import ISOTHERM
from coconet.runtime.views.names import View
from coconet.runtime.views.scene import ViewKind
from coconet.runtime.views.side_by_side import SIDE_BY_SIDE
from coconet.runtime.views.single import FUSED, INFRARED, VISIBLE
from coconet.runtime.views.split import SPLIT

VIEWS: dict[View, ViewKind] = {
    "fused": FUSED,
    "visible": VISIBLE,
    "infrared": INFRARED,
    "split": SPLIT,
    "side-by-side": SIDE_BY_SIDE,
    "blend": BLEND,
    "edges": EDGES,
    "inset": INSET,
    "isotherm": ISOTHERM,
    "alignment": ALIGNMENT,
}
"""In the order of buttons and keys."""
