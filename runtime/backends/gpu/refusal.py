"""What CUDA refused: the call, the reason in CUDA's own words, and what helps against it."""

from __future__ import annotations

from coconet.errors import CoconetError

SUCCESS = 0

OUT_OF_MEMORY = 2

LAUNCH_FAILED = 719

LOST = frozenset({214, 220, 700, 702, 709, 710, 714, 715, 716, 717, 718, LAUNCH_FAILED})
"""The errors after which CUDA answers every call of this process with the same error: its context is gone."""

TOO_OLD = frozenset({35, 222, 803, 804})
"""The errors of a driver that is older than what calls it; 35 is the runtime API's."""

_BUSY = 46

_NO_DEVICE = frozenset({100, 101})

_OTHERWISE = "coconet doctor says what this machine has; if it says ok, report this error."


class GpuRefused(CoconetError):
    """CUDA refused a call. call: the function. code: the number of the error, None if the library does not tell it.

    lost: whether this process can no longer use the GPU, so that only a new start of it helps.
    """

    def __init__(self, call: str, reason: str, code: int | None = None) -> None:
        """reason: CUDA's name for the error, or its sentence."""
        self.call, self.code, self.lost = call, code, code in LOST
        super().__init__(
            f"GPU, {call}",
            wanted="a call that CUDA accepts",
            got=reason,
            remedy=remedy_for(code),
            says=f"failed: {reason}",
        )


def remedy_for(code: int | None) -> str:
    """What helps against a CUDA error, by its number in the driver API; those of the runtime API are the same."""
    if code == OUT_OF_MEMORY:
        return "Close other programs that use the GPU, or take smaller frames or a lower --depth."
    if code in LOST:
        return "CUDA gives up on a process after this error: start the program again."
    if code in TOO_OLD:
        return "Update the NVIDIA driver, or leave --gpu-library out: libcuda is always as new as the driver."
    if code == _BUSY:
        return "Close the program that holds the GPU for itself, or run: sudo nvidia-smi -c DEFAULT"
    if code in _NO_DEVICE:
        return "Check CUDA_VISIBLE_DEVICES; coconet doctor says what this machine has."
    return _OTHERWISE
