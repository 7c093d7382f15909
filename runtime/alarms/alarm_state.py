"""The state of an alarm: off or on, and blind or not, from one frame's evidence to the next."""

from __future__ import annotations

from typing import Literal

from coconet.runtime.alarms.alarm import AlarmTable
from coconet.runtime.alarms.evidence import Evidence

Change = Literal["begun", "over", "blind", "seeing"]
"""What became of an alarm: it began, it is over, it has been blind for a while, it sees again."""


class AlarmState:
    """Follows one alarm. on: whether it alarms now. blind: why it cannot tell, once that has lasted; else empty."""

    def __init__(self, table: AlarmTable) -> None:
        self.table = table
        self.on, self.blind = False, ""
        self._since_ns: int | None = None
        self._blind_since_ns: int | None = None

    def follow(self, evidence: Evidence, now_ns: int) -> list[Change]:
        """Take what a frame says at a moment not before the last, and give what changes by it.

        Nothing begins and nothing ends while the evidence is unknown, and a hold time that was under way starts over.
        """
        if evidence.holds is None:
            return self._follow_blind(evidence.blind, now_ns)
        changes: list[Change] = ["seeing"] if self.blind else []
        self.blind, self._blind_since_ns = "", None
        if not (evidence.is_over if self.on else evidence.holds):
            self._since_ns = None
            return changes
        if self._since_ns is None:
            self._since_ns = now_ns
        if now_ns - self._since_ns >= self.table.hold_s * 1e9:
            self.on, self._since_ns = not self.on, None
            changes.append("begun" if self.on else "over")
        return changes

    def _follow_blind(self, why: str, now_ns: int) -> list[Change]:
        self._since_ns = None
        if self._blind_since_ns is None:
            self._blind_since_ns = now_ns
        if self.blind or now_ns - self._blind_since_ns < self.table.blind_s * 1e9:
            return []
        self.blind = why
        return ["blind"]
