"""Both channels of one device: network cameras that serve the visible and the thermal picture side by side."""

from __future__ import annotations

import re

from coconet.errors import Refused
from coconet.redaction import redact

_CHANNELS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"(?i)(/Streaming/(?:tracks|Channels)/)1(0[1-9])"), r"\g<1>2\2", "Hikvision"),
    (re.compile(r"(?i)(/cam/realmonitor\?(?:.*&)?channel=)1(?=&|$)"), r"\g<1>2", "Dahua"),
    (re.compile(r"(?i)(/axis-media/media\.amp\?(?:.*&)?camera=)1(?=&|$)"), r"\g<1>2", "Axis"),
    (re.compile(r"(?i)(/unicast/c)1(?=/)"), r"\g<1>2", "Uniview"),
    (re.compile(r"(?i)(://[^/]*/)0(/profile\d+/media\.smp)"), r"\g<1>1\2", "Hanwha"),
)
"""How the address of the second channel, which is the thermal one on their bi-spectrum models, differs from that of the
first. From what the makers publish; none of these cameras was at hand."""


def thermal_channel(visible: str) -> str:
    """The address of a device's thermal channel, from that of its visible one.

    Raises Refused for an address of no pattern that is known.
    """
    for pattern, second, _ in _CHANNELS:
        if pattern.search(visible):
            return pattern.sub(second, visible, count=1)
    raise Refused(
        redact(visible),
        wanted=f"an address as {', '.join(maker for _, _, maker in _CHANNELS)} have it for channel 1",
        got="another one",
        remedy="Name both, the visible one first.",
        says="is one camera, and its thermal channel is not known: it is not the address of channel 1 of "
        f"{', '.join(maker for _, _, maker in _CHANNELS)}",
    )
