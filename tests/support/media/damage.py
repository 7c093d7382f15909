"""Damage to files, by a seed: bits that flip, parts that are missing or come twice, sizes that are absurd."""

from __future__ import annotations

import random

_SIZES = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x01")

_WORDS = (
    *("1e308", "-1e308", "1e-300", "nan", "inf", "0", "-1", "9" * 400, "0x7fffffffffffffff", "true"),
    *("[[[[[[[[", "]]]]", "[" * 5000, "a" * 5000, "{{}}", "%s%n", "[bold]x[/nope]", "\u202e\u0000", "\u00e9\ud800"),
    *("../../victim", "http://[::1/x", '"/dev/null"', '"\\ud800"'),
)
"""What stands in place of a word or a number of a text."""


def damaged(data: bytes, rng: random.Random, most: int = 8) -> bytes:
    """Return the bytes after one accident or more."""
    content = bytearray(data)
    for _ in range(rng.randint(1, most)):
        _ACCIDENTS[rng.randrange(len(_ACCIDENTS))](content, rng)
    return bytes(content)


def damaged_text(text: str, rng: random.Random) -> bytes:
    """Return a text in which words, numbers and lines are others; some of them are damaged as bytes as well."""
    lines = text.splitlines()
    for _ in range(rng.randint(1, 2)):
        _spoil_line(lines, rng)
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    return damaged(data, rng) if rng.random() < 0.2 else data


def _spoil_line(lines: list[str], rng: random.Random) -> None:
    at, kind = rng.randrange(max(len(lines), 1)), rng.random()
    if not lines:
        lines.append("x")
    elif kind < 0.15:
        del lines[at]
    elif kind < 0.3:
        lines.insert(at, lines[rng.randrange(len(lines))])
    else:
        words = lines[at].replace(",", " , ").split(" ")
        words[rng.randrange(len(words))] = rng.choice(_WORDS)
        lines[at] = " ".join(words).replace(" , ", ",")


def _flip(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 16)):
        if content:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _cut(content: bytearray, rng: random.Random) -> None:
    del content[rng.randrange(len(content) + 1) :]


def _lose(content: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(content) + 1)
    del content[at : at + rng.randint(1, 200)]


def _repeat(content: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(content) + 1)
    content[at:at] = content[at : at + rng.randint(1, 200)]


def _misjudge(content: bytearray, rng: random.Random) -> None:
    at = rng.randrange(max(len(content) - 4, 1))
    content[at : at + 4] = rng.choice(_SIZES)


def _soil(content: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(content) + 1)
    content[at : at + 64] = rng.randbytes(rng.randint(1, 64))


_ACCIDENTS = (_flip, _flip, _flip, _cut, _lose, _repeat, _misjudge, _misjudge, _soil)
