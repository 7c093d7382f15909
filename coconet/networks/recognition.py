"""Recognition: of which network, and of which part of it, the tensors in some files are."""

from __future__ import annotations

import shlex
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


def assemble(pieces: Sequence[Piece], networks: Sequence[Network[Any]], named: Network[Any] | None = None) -> Assembly:
    """Find the network that the files are of, and join its parts; a partner that was not named is looked for beside.

    The same bytes twice, as beside the archive they were unpacked from, count once.
    networks: those that are known. named: the only one to look for; what lies beside its files in the same folder or
        archive and is of another network is left out then.
    Raises CoconetError for files of no network, of several, and for parts that are missing or there twice.
    """
    pieces = _once(pieces)
    wanted = networks if named is None else [named]
    network = max(wanted, key=lambda one: sum(match_of(piece, one).likeness for piece in pieces))
    matches = [match_of(piece, network) for piece in pieces]
    if named is not None:
        matches = _without_others(matches)
    strange = next((match for match in matches if match.likeness < LEAST_LIKENESS), None)
    if strange is not None:
        raise _not_of(network, strange, matches, networks, named)
    if any(not match.part for match in matches):
        if len(matches) > 1:
            raise _several(network, [match.piece for match in matches], f"the whole of {network.name}")
        (match,) = matches
        return Assembly(network, (match.piece,), match.tensors)
    return _joined(network, [*matches, *_partners(network, matches)])


def _without_others(matches: Sequence[Match]) -> list[Match]:
    """Leave out what lies in a folder or an archive that was named for something else in it."""
    fitting = {match.piece.path for match in matches if match.likeness >= LEAST_LIKENESS}
    return [match for match in matches if match.likeness >= LEAST_LIKENESS or match.piece.path not in fitting]


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
                says=f"is only the part {matches[0].part} of {network.name}; the part {part} is missing",
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
        says=f"need one file that is {what}, but {len(names)} fit: {', '.join(names[:4])}"
        f"{', ...' if len(names) > 4 else ''}",
    )


def _not_of(
    network: Network[Any],
    strange: Match,
    matches: Sequence[Match],
    networks: Sequence[Network[Any]],
    named: Network[Any] | None,
) -> CoconetError:
    """Why a file is none of the network's: it is of another one, of a part that there is not, or of none at all."""
    piece = strange.piece
    if piece.part and piece.part not in network.parts:
        parts = sorted({part for one in (networks if named is None else [named]) for part in one.parts})
        return CoconetError(
            piece.where,
            wanted=f"one of the parts {', '.join(parts)}" if parts else f"{network.name}, which has no parts",
            got=f"the part {piece.part}",
            remedy="Name the part it is, or leave it out: --weights FILE.",
            says=f"is named as the part {piece.part}, but "
            + (f"the parts are {', '.join(parts)}" if parts else f"{network.name} has no parts"),
        )
    other = _network_of(piece, networks)
    if other is not None and named is not None:
        return CoconetError(
            piece.where,
            wanted=f"weights of {named.name}",
            got=f"weights of {other.name}",
            remedy=f"Name {other.name}.",
            says=f"holds weights of {other.name}, not of {named.name}",
        )
    if other is not None:
        first = next(match.piece for match in matches if match.likeness >= LEAST_LIKENESS)
        return CoconetError(
            piece.where,
            wanted=f"weights of {network.name}, as {first.where} holds",
            got=f"weights of {other.name}",
            remedy=f"Name one file, or the network: coconet export {shlex.quote(other.name)} --weights PATH.",
            says=f"holds weights of {other.name}, but {first.where} holds those of {network.name}",
        )
    return _of_none(strange, network, networks if named is None else [named])


def _network_of(piece: Piece, networks: Sequence[Network[Any]]) -> Network[Any] | None:
    """The network that a file is of, alone or as one of its parts."""
    likeness = {one.name: match_of(piece, one).likeness for one in networks}
    return next((one for one in networks if likeness[one.name] >= max(LEAST_LIKENESS, *likeness.values())), None)


def _of_none(match: Match, nearest: Network[Any], networks: Sequence[Network[Any]]) -> CoconetError:
    names = [network.name for network in networks]
    known = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
    tensors = match.piece.tensors
    first = next(iter(tensors))
    like = f"; the nearest is {nearest.name}, with {match.likeness:.0%} of them" if match.likeness else ""
    return CoconetError(
        match.piece.where,
        wanted=f"the published weights of {known}",
        got=f"{counted(len(tensors), 'tensor')} of none, such as {first} {tuple(tensors[first].shape)}{like}",
        remedy="Name the code of another network with coconet export --model.",
        says=f"holds no published weights of {known}: {counted(len(tensors), 'tensor')}, such as {first} "
        f"{tuple(tensors[first].shape)}{like}",
    )
