"""CRC-32C (Castagnoli), the checksum of TensorFlow's and LevelDB's files, many bytes at a time with numpy."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

POLYNOMIAL = 0x82F63B78
"""Of CRC-32C, the lowest bit first (RFC 3720, appendix B.4)."""

LANES = 1024
"""How many stretches of the bytes are taken at once."""


def crc32c(content: bytes) -> int:
    """The checksum of some bytes, 0 to 2^32 - 1.

    The register is linear in the bytes but for its start, which is the same as four bytes turned over; so stretches of
    equal length are taken at once from 0, and joined by what that many bytes of 0 make of a register.
    """
    if len(content) < 8 * LANES:
        return _in_turn(content)
    length = -(-len(content) // LANES)
    padded = np.zeros(length * LANES, np.uint8)  # zeros in front leave a register of 0 as it is
    padded[-len(content) :] = np.frombuffer(content, np.uint8)
    padded[-len(content) :][:4] ^= 0xFF
    registers = _registers(padded.reshape(LANES, length))
    lanes, steps = registers[:LANES], registers[LANES:]
    joined = 0
    for lane in lanes.tolist():
        bits = (joined >> np.arange(32, dtype=np.uint32)) & 1
        joined = int(np.bitwise_xor.reduce(np.where(bits == 1, steps, np.uint32(0)))) ^ lane
    return joined ^ 0xFFFFFFFF


def _registers(lanes: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """(N, L) bytes to N + 32 registers: of every lane, and of each bit alone after L bytes of 0."""
    registers = np.zeros(len(lanes) + 32, np.uint32)
    registers[len(lanes) :] = np.uint32(1) << np.arange(32, dtype=np.uint32)
    bits = np.zeros(len(registers), np.uint32)
    for column in np.ascontiguousarray(lanes.T):
        bits[: len(lanes)] = column
        registers = _table()[(registers ^ bits) & 0xFF] ^ (registers >> np.uint32(8))
    return registers


def _in_turn(content: bytes) -> int:
    table, register = _table().tolist(), 0xFFFFFFFF
    for byte in content:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return int(register) ^ 0xFFFFFFFF


@functools.cache
def _table() -> NDArray[np.uint32]:
    """What each byte makes of a register of 0."""
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1 == 1, (values >> np.uint32(1)) ^ np.uint32(POLYNOMIAL), values >> np.uint32(1))
    return values.astype(np.uint32)
