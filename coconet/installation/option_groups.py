"""The options of the longest helps, under headings in the order of the work, and how a default is shown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from coconet.errors import nearest

OPTION_GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "run": {
            "Cameras and model": "visible infrared fps decoder model list-models backend frames",
            "Fusion and look": "fit heat look",
            "Output": "out encoder rotate-minutes rotate-mb keep reserve-mb overwrite skip-existing on-error",
            "Reports": "json html open meters log",
            "Live view": "view host port token view-token captures",
            "How a GPU runs it": "device depth zero-copy no-graph spin gpu-library tile-pixels",
            "A model on a server": "server server-token local-model in-flight late-ms travel-as",
        },
        "serve": {
            "Model": "backend device depth",
            "Network": "host port grpc-port token limit-mb",
            "Waiting pairs": "waiting together deadline-ms",
            "Reports": "log",
        },
        "train": {
            "Data and run": "data out validation validate-every home overwrite",
            "Network": "network start encoder",
            "A network of yours": "model range output-range order multiple",
            "Training": "steps batch patch learning-rate seed contrast teacher distillation",
        },
        "export": {
            "Network": "weights rule stretch",
            "Graph": "out size dynamic half gray bare batch opset with-warp link overwrite",
            "Comparison": "frames",
        },
        "calibrate": {
            "Frames to measure on": "frames rig visible infrared every crops ranges",
            "Quantization": "method percentile min-psnr sensitivity",
            "Comparison": "check against keep-if-faster",
            "Output": "out overwrite",
        },
        "build": {
            "Target": "gpu device version-compatible same-compute-capability",
            "Frame sizes": "min opt max",
            "Building": "workspace-mib level cache no-cache",
            "Comparison": "frames",
            "Output": "out layers overwrite",
        },
    }
)
"""Commands by name, and the options under each heading of their help, without the dashes."""


def arrange_help(command: Any) -> Any:
    """Lay out the help of a command of Typer, and of those of a group, and return it.

    Lines of a paragraph become one, which the terminal breaks again as wide as it is.
    Options stand under their headings, in that order, and those of no heading before them. Every default is shown
    alike: Typer puts the ones that are given as text into brackets, as if 4000 were less of a default than 1.
    """
    command.help = re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(command.help or ""))
    for param in command.params:
        if isinstance(param.show_default, str):
            _show_plainly(param, param.show_default)
    places = {
        f"--{word}": (place, heading)
        for place, (heading, words) in enumerate(OPTION_GROUPS.get(command.name, {}).items())
        for word in words.split()
    }
    for param in command.params:
        if found := [places[name] for name in param.opts if name in places]:
            param.rich_help_panel = found[0][1]
    order = {heading: place for place, heading in places.values()}
    command.params.sort(key=lambda param: order.get(param.rich_help_panel, _FOREIGN if param.rich_help_panel else -1))
    for one in getattr(command, "commands", {}).values():
        arrange_help(one)
    return command


_ENDINGS = ("--frames", "--seconds", "--minutes", "--duration")
"""What ends a command after a while, of which most commands have one."""


def nearest_option(option: str, known: Sequence[str]) -> str:
    """Ask about the option that is spelt alike, or does what this one does elsewhere; empty if there is none."""
    others = [one for one in _ENDINGS if option in _ENDINGS and one in known]
    return f"Did you mean {' or '.join(others)}? " if others else nearest(option, known)


_FOREIGN = 100  # headings that options bring with them come last


def _show_plainly(param: Any, text: str) -> None:
    def default_string(**_about: Any) -> str:
        return text

    param._get_default_string = default_string
