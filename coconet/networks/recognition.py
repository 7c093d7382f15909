"""Recognition: of which network, and of which part of it, the tensors in some files are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coconet.errors import CoconetError, MissingPackage, counted
from coconet.networks.network import Network
from coconet.networks.tensors.weight_files import Piece, read_beside

try:
    from torch import Tensor
except ImportError as error:
    raise MissingPackage("torch", job="reading checkpoints", extra="export") from error


LEAST_LIKENESS = 0.5
"""Tensors less like every network than this are of none; those above are held against that network one by one."""


@dataclass(frozen=True)
class Match:
    """A file, the part of a network that it is most like (empty for all of it), and how much, 0..1."""

    piece: Piece
    part: str
    likeness: float
    tensors: Mapping[str, Tensor]


@dataclass(frozen=True)
class Assembly:
    """Files that make one network: their tensors under the names of its core."""

    network: Network[Any]
    pieces: tuple[Piece, ...]
    tensors: Mapping[str, Tensor]


def assemble(pieces: Sequence[Piece], networks: Sequence[Network[Any]]) -> Assembly:
    """Find the network that the files are of, and join its parts; a partner that was not named is looked for beside.

    The same bytes twice, as beside the archive they were unpacked from, count once.
    Raises CoconetError for files of no network, of several, and for parts that are missing or there twice.
    """
    pieces = _once(pieces)
    network = max(networks, key=lambda one: sum(match_of(piece, one).likeness for piece in pieces))
    matches = [match_of(piece, network) for piece in pieces]
    strange = next((match for match in matches if match.likeness < LEAST_LIKENESS), None)
    if strange is not None:
        raise _of_none(strange, network, networks)
    if any(not match.part for match in matches):
        if len(matches) > 1:
            raise _several(network, [match.piece for match in matches], f"the whole of {network.name}")
        (match,) = matches
        return Assembly(network, (match.piece,), match.tensors)
    return _joined(network, [*matches, *_partners(network, matches)])


def _once(pieces: Sequence[Piece]) -> list[Piece]:
    return list({(piece.part, piece.sha256): piece for piece in reversed(pieces)}.values())[::-1]


def match_of(piece: Piece, network: Network[Any]) -> Match:
    """The part of a network that a file is most like, or the one that it was said to be."""
    parts = (piece.part,) if piece.part else ("", *network.parts)
    if piece.part and piece.part not in network.parts:
        return Match(piece, piece.part, 0.0, piece.tensors)
    return max(
        (
            Match(piece, part, network.likeness(tensors, part), network.adapted(tensors, part))
            for tensors in _views(piece.tensors)
            for part in parts
        ),
        key=lambda match: match.likeness,
    )


def _views(tensors: Mapping[str, Tensor]) -> Iterator[Mapping[str, Tensor]]:
    """The tensors, and those below each first word of their names: of a network kept inside others."""
    yield tensors
    for first in {name.partition(".")[0] for name in tensors}:
        below = _below(first, tensors)
        while len(words := {name.partition(".")[0] for name in below}) == 1:
            yield below
            below = _below(words.pop(), below)
        if below:
            yield below


def _below(first: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{first}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def _partners(network: Network[Any], matches: Sequence[Match]) -> list[Match]:
    """What lies beside the one file and is a part that was not named."""
    named = {match.part for match in matches}
    if len(matches) != 1 or named == set(network.parts):
        return []
    found = [match_of(piece, network) for piece in _once(read_beside(matches[0].piece.path))]
    return [match for match in found if match.likeness >= LEAST_LIKENESS and match.part in set(network.parts) - named]


def _joined(network: Network[Any], matches: Sequence[Match]) -> Assembly:
    ordered: list[Piece] = []
    tensors: dict[str, Tensor] = {}
    for part in network.parts:
        same = [match for match in matches if match.part == part]
        if not same:
            raise CoconetError(
                matches[0].piece.where,
                wanted=f"the parts {', '.join(network.parts)} of {network.name}, of which this is {matches[0].part}",
                got=f"no {part}",
                remedy=f"Name the file of each: {' '.join(f'--weights {name}=FILE' for name in network.parts)}.",
            )
        if len(same) > 1:
            raise _several(network, [match.piece for match in same], f"the part {part} of {network.name}")
        ordered.append(same[0].piece)
        tensors |= {f"{part}.{name}": tensor for name, tensor in same[0].tensors.items()}
    return Assembly(network, tuple(ordered), tensors)


def _several(network: Network[Any], pieces: Sequence[Piece], what: str) -> CoconetError:
    names = [piece.where for piece in pieces]
    return CoconetError(
        f"weights of {network.name}",
        wanted=f"one file that is {what}",
        got=f"{len(names)}: {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}",
        remedy="Name the one you mean with --weights.",
    )


def _of_none(match: Match, nearest: Network[Any], networks: Sequence[Network[Any]]) -> CoconetError:
    names = [network.name for network in networks]
    known = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
    tensors = match.piece.tensors
    first = next(iter(tensors))
    like = f"; the nearest is {nearest.name}, with {match.likeness:.0%} of them" if match.likeness else ""
    if match.piece.part and match.piece.part not in nearest.parts:
        parts = ", ".join(sorted({part for network in networks for part in network.parts}))
        like = f"; there is no part {match.piece.part}, but {parts}" if parts else "; it has no parts"
    return CoconetError(
        match.piece.where,
        wanted=f"the published weights of {known}",
        got=f"{counted(len(tensors), 'tensor')} of none, such as {first} {tuple(tensors[first].shape)}{like}",
        remedy="Name the code of another network with coconet export --model.",
    )
