"""Which commands this installation can run, and the one line that installs what the others lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from coconet.installation.extras import COMMANDS, Needs, is_there, missing_modules
from coconet.installation.remedy import SYSTEM_PACKAGES, advice
from coconet.runtime.doctor.finding import Finding

Missing = Callable[[str], tuple[str, ...]]
"""The modules of an extra that are not there."""


def command_findings(missing: Missing = missing_modules, there: Callable[[str], bool] = is_there) -> Iterator[Finding]:
    """Look for what each command needs; a command that lacks something is no fault, as each device needs a few.

    there: whether a module is, that no extra brings.
    """
    for name, needs in COMMANDS.items():
        yield _finding(name, needs, missing, there)


def _finding(name: str, needs: Needs, missing: Missing, there: Callable[[str], bool]) -> Finding:
    subject = f"coconet {name}"
    lacking = {extra: modules for extra in needs.always if (modules := missing(extra))}
    if lacking:
        names = ", ".join(dict.fromkeys(name for modules in lacking.values() for name in modules))
        told = f"lacks {', '.join(lacking)} ({names} not found)"
        return Finding(subject, "note", told, advice(*lacking))
    for module, remedy in needs.others.items():
        if not there(module):
            return Finding(subject, "note", f"lacks {module}, which no extra brings", remedy)
    missed: dict[str, list[str]] = {}
    for option, extra in needs.options.items():
        if missing(extra):
            missed.setdefault(extra, []).append(option)
    parts = [f"with {_called(extra)} also {', '.join(options)}" for extra, options in missed.items()]
    return Finding(subject, "ok", "; ".join(["runs", *parts]))


def _called(extra: str) -> str:
    return "the system's GStreamer (docs/rig.md)" if extra in SYSTEM_PACKAGES else f"the extra {extra}"
