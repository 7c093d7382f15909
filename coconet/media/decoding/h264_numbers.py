"""Frame numbers of H.264: a reference picture that was lost as a whole, which the decoder replaces without a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_SLICE, _KEY_SLICE, _SEQUENCE, _PICTURE = 1, 5, 7, 8  # kinds of units that matter here (ITU-T H.264, table 7-1)

_WITH_CHROMA = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144, 244})
"""Profiles whose parameters say how chroma is sampled and quantised."""

_HEAD = 256  # bytes of a unit that are looked at: a sequence with all scaling lists has fewer


class _Bits:
    """Reads numbers from the bits of a unit, without the bytes that keep start codes from occurring in it."""

    def __init__(self, unit: bytes) -> None:
        head = unit[1:_HEAD].replace(b"\0\0\3", b"\0\0")
        self._bits = "".join(f"{byte:08b}" for byte in head)
        self._at = 0

    def fixed(self, count: int) -> int:
        """An unsigned number of `count` bits. Raises ValueError at the end of the data."""
        text = self._bits[self._at : self._at + count]
        self._at += count
        return int(text, 2) if count else 0

    def golomb(self) -> int:
        """An unsigned Exp-Golomb number (9.1)."""
        zeros = self._bits.index("1", self._at) - self._at
        self._at += zeros
        return self.fixed(zeros + 1) - 1

    def signed(self) -> int:
        """A signed Exp-Golomb number (9.1.1)."""
        number = self.golomb()
        return (number + 1) // 2 if number % 2 else -(number // 2)


@dataclass(frozen=True)
class _Sequence:
    """What a sequence says of frame numbers. number_bits: their length. planes_apart: whether colours are coded apart.

    gaps: whether numbers may be left out on purpose.
    """

    number_bits: int
    planes_apart: bool
    gaps: bool


class FrameNumbers:
    """Follows the frame numbers of an H.264 stream from packet to packet."""

    def __init__(self, extradata: bytes | None) -> None:
        """extradata: the parameters that the container keeps, with start codes or as ISO 14496-15 has them."""
        self._sequences: dict[int, _Sequence] = {}
        self._sequence_of: dict[int, int] = {}
        self._last: int | None = None
        self._length_bytes = 0
        data = extradata or b""
        if data[:1] == b"\1" and len(data) > 6:
            self._length_bytes = (data[4] & 3) + 1
            units = _counted(data)
        else:
            units = _started(data)
        for unit in units:
            self._take_parameters(unit)

    def skips(self, packet: bytes) -> bool:
        """Whether a reference picture is missing between the last packet and this one, which is a whole picture."""
        units = _sized(packet, self._length_bytes) if self._length_bytes else _started(packet)
        try:
            for unit in units:
                if unit[0] & 31 in (_SLICE, _KEY_SLICE):
                    return self._skips(unit)
                self._take_parameters(unit)
        except (ValueError, IndexError):
            self._last = None  # damage, which the decoder will complain about
        return False

    def _skips(self, unit: bytes) -> bool:
        bits = _Bits(unit)
        bits.golomb(), bits.golomb()  # the first macroblock, and the kind of slice
        sequence = self._sequences.get(self._sequence_of.get(bits.golomb(), -1))
        if sequence is None:
            return False
        if sequence.planes_apart:
            bits.fixed(2)
        number, last = bits.fixed(sequence.number_bits), self._last
        if unit[0] & 31 == _KEY_SLICE:
            last = number
        if unit[0] >> 5 & 3 or last is None:
            self._last = number
        follows = last is None or number in (last, (last + 1) % (1 << sequence.number_bits))
        return not (follows or sequence.gaps)

    def _take_parameters(self, unit: bytes) -> None:
        kind = unit[0] & 31 if unit else 0
        try:
            if kind == _SEQUENCE:
                bits = _Bits(unit)
                profile, number = bits.fixed(24) >> 16, bits.golomb()
                self._sequences[number] = _sequence(bits, profile)
            elif kind == _PICTURE:
                bits = _Bits(unit)
                picture = bits.golomb()
                self._sequence_of[picture] = bits.golomb()
        except ValueError:
            return  # cut off; the decoder will say so


def _sequence(bits: _Bits, profile: int) -> _Sequence:
    """Read a sequence parameter set (7.3.2.1.1) up to the flag about gaps."""
    planes_apart = False
    if profile in _WITH_CHROMA:
        chroma = bits.golomb()
        planes_apart = chroma == 3 and bool(bits.fixed(1))
        bits.golomb(), bits.golomb(), bits.fixed(1)  # the depths of luma and chroma, and a flag
        if bits.fixed(1):
            for index in range(8 if chroma != 3 else 12):
                if bits.fixed(1):
                    _skip_scaling(bits, 16 if index < 6 else 64)
    number_bits = bits.golomb() + 4
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.fixed(1), bits.signed(), bits.signed()
        for _ in range(bits.golomb()):
            bits.signed()
    bits.golomb()  # reference frames
    return _Sequence(number_bits, planes_apart, bool(bits.fixed(1)))


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = step = 8
    for _ in range(size):
        if step:
            step = (last + bits.signed()) % 256
        last = step or last


def _started(data: bytes) -> Iterator[bytes]:
    """Units behind start codes (annex B)."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        following = data.find(b"\0\0\1", at + 3)
        unit = data[at + 3 : following if following >= 0 else len(data)]
        if unit:
            yield unit
        at = following


def _sized(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """Units behind their length, as in MP4 and Matroska."""
    at = 0
    while at + length_bytes < len(data):
        size = int.from_bytes(data[at : at + length_bytes], "big")
        at += length_bytes
        if size:
            yield data[at : at + size]
        at += size


def _counted(data: bytes) -> Iterator[bytes]:
    """The parameter units of an AVCDecoderConfigurationRecord (ISO 14496-15): sequences, then pictures."""
    at, left = 6, data[5] & 31
    for group in range(2):
        for _ in range(left):
            size = int.from_bytes(data[at : at + 2], "big")
            yield data[at + 2 : at + 2 + size]
            at += 2 + size
        if group == 0 and at < len(data):
            left, at = data[at], at + 1
