"""Rates said on the command line, in place of the key fps of a rig file."""

from __future__ import annotations

from coconet.config import check_fields
from coconet.errors import Refused
from coconet.runtime.cameras.open_camera import ROLES, takes_rate
from coconet.runtime.rig.rig_file import Rig


def rated_by(rig: Rig, text: str | None) -> Rig:
    """The rig with other rates, if any are given: one of both sides that take one, or VISIBLE,INFRARED.

    Raises Refused for what is no rate, and for a side that has a rate of its own and would not obey.
    """
    if text is None:
        return rig
    tables = {"visible": rig.visible, "infrared": rig.infrared}
    rates = _numbers(text)
    takes = {side: takes_rate(table.address) for side, table in tables.items()}
    asked = dict(zip(ROLES, rates * (3 - len(rates)), strict=True))
    if not any(takes.values()) or (len(rates) == 2 and not all(takes.values())):
        deaf = " and ".join(table.display_name for side, table in tables.items() if not takes[side])
        own = "which has a rate of its own" if any(takes.values()) else "which have rates of their own"
        remedy = "Leave it out, or say one number for the other side alone." if any(takes.values()) else "Leave it out."
        raise Refused(
            f"--fps {text}",
            wanted="devices or folders of pictures",
            got=f"{deaf}, with a rate of its own",
            remedy=remedy,
            says=f"does not apply to {deaf}, {own}",
        )
    fields = rig.model_dump()
    for side, rate in asked.items():
        if takes[side]:
            fields[side]["fps"] = rate
    return check_fields(Rig, fields, f"--fps {text}")


def _numbers(text: str) -> list[float]:
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError:
        rates = []
    if len(rates) not in (1, 2):
        wanted = "a rate such as 30, or one for each side, such as 30,9"
        raise Refused(
            "--fps", wanted=wanted, got=repr(text), remedy="Correct it.", says=f"must be {wanted}, not {text!r}"
        )
    return rates
