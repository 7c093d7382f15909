"""Addresses without their secrets, for rig files: what messages do not show is not written either."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from coconet.errors import Refused
from coconet.redaction import is_network_address, pipeline_words, redact, split_authority
from coconet.redaction_rules import HIDDEN, is_element, is_secret_key, show_parameter, show_property, show_segment
from coconet.runtime.rig.secrets import REFERENCE

PASSWORD_VARIABLE = "COCONET_CAMERA_PASSWORD"  # noqa: S105  the name, not the password

_LOGINS = {"user", "usr", "username", "login", "loginuse", "user-id", "user_id"}
"""Names beside a password are never shown, but a file may hold them; one without a password may be a token."""

_MARK = re.compile("([\ue000-\uf8ff])")  # stands for a reference while an address is taken apart

_MOST_REFERENCES = 6400  # as many as there are marks

_KEY = r"[A-Za-z%][A-Za-z0-9%.-]*"

_PAIR = re.compile(rf"(?:(?<=[&_;,])|^)({_KEY})=(.*?)(?=[&_;,]{_KEY}=|$)")  # cameras join them like this in paths


@dataclass(frozen=True)
class Hidden:
    """An address without its secrets, and these by the names that stand for them in it."""

    address: str
    secrets: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Hidden({redact(self.address)!r})"


def take_out(address: str, variable: str = PASSWORD_VARIABLE) -> Hidden:
    """Take out of an address what redact() would not show of it; references in its place.

    The first one is called `variable`, and the following ones variable_2 and so on; references are left alone. What
    stays too is the name of a user beside a password, and the path of a file or folder that is there.

    Raises Refused for an address that cannot be told apart from its secret.
    """
    scheme, mark, rest = address.partition("://")
    if not mark:
        there = os.path.exists(address)  # noqa: PTH110  Path.exists() raises for a name that is too long
        if is_network_address(address) or (redact(address) != address and not there):
            raise _refused(address)
        return Hidden(address, {})
    references = [found[0] for found in REFERENCE.finditer(rest)]
    if _MARK.search(address) or len(references) > _MOST_REFERENCES:
        raise _refused(address)
    marks = (chr(0xE000 + count) for count in range(len(references)))
    rest = REFERENCE.sub(lambda _found: next(marks), rest)
    parts = _Parts(address, variable, plain=scheme.lower() == "gst")
    left = parts.pipeline(rest) if parts.plain else parts.url(scheme, rest)
    left = _MARK.sub(lambda found: references[ord(found[0]) - 0xE000], left)
    return Hidden(f"{scheme}{mark}{left}", parts.secrets)


@dataclass
class _Parts:
    """Goes through the parts of one address. plain: secrets are put back as they are, not percent-encoded."""

    address: str
    variable: str
    plain: bool
    secrets: dict[str, str] = field(default_factory=dict)

    def hide(self, text: str) -> str:
        """Put a name in place of a secret; of a text with references, in place of what is between them."""
        return "".join(part if not part or _MARK.fullmatch(part) else self._named(part) for part in _MARK.split(text))

    def _named(self, text: str) -> str:
        value = text if self.plain else unquote(text)
        if self.plain and re.search(r"""[\s"'!\\]""", value):
            raise _refused(self.address)
        known = next((name for name, other in self.secrets.items() if other == value), None)
        name = known or (f"{self.variable}_{len(self.secrets) + 1}" if self.secrets else self.variable)
        self.secrets[name] = value
        return f"${{{name}}}"

    def url(self, scheme: str, rest: str) -> str:
        """What follows scheme:// of an address; it can be taken apart only if its host can be told."""
        authority, tail = split_authority(rest)
        login, at, host = authority.rpartition("@")
        if "@" in tail or HIDDEN in redact(f"{scheme}://{_MARK.sub('1', host)}"):
            raise _refused(self.address)
        user, colon, password = login.partition(":")
        login = f"{user}:{self.hide(password)}" if colon and password else f"{self.hide(user)}{colon}"
        return f"{login}{at}{host}{self._tail(tail)}"

    def _tail(self, tail: str) -> str:
        whole, mark, fragment = tail.partition("#")
        path, question, query = whole.partition("?")
        keys = [found[1] for part in re.split("[/&]", path) for found in _PAIR.finditer(part)]
        keys += [part.partition("=")[0] for part in query.split("&") if "=" in part]
        logins = any(_is_secret(key) and unquote(key).lower() not in _LOGINS for key in keys)
        path = "/".join(self._segment(segment, logins=logins) for segment in path.split("/"))
        query = "&".join(self._parameter(parameter, logins=logins) for parameter in query.split("&"))
        return f"{path}{question}{query}{mark}{self.hide(fragment)}"

    def _segment(self, segment: str, *, logins: bool) -> str:
        shown = _MARK.sub("", segment)
        if show_segment(shown) == shown:
            return segment
        found = _PAIR.search(segment)
        if found is None:
            return self.hide(segment)
        before = segment[: found.start()]
        words, joint = (before[:-1], before[-1:]) if before else ("", "")
        pairs = _PAIR.sub(lambda pair: self._pair(pair[1], pair[2], logins=logins, path=True), segment[found.start() :])
        return f"{self._segment(words, logins=False) if words else ''}{joint}{pairs}"

    def _parameter(self, parameter: str, *, logins: bool) -> str:
        key, equals, value = parameter.partition("=")
        if not equals:
            shown = _MARK.sub("", parameter)
            return parameter if show_parameter(shown) == shown else self.hide(parameter)
        return self._pair(key, value, logins=logins, path=False)

    def _pair(self, key: str, value: str, *, logins: bool, path: bool) -> str:
        """One key=value: the key stays if it is a known one, and the value if it is harmless."""
        name = unquote(key)
        harmless = HIDDEN not in show_parameter(f"{name}=1")
        shown = _MARK.sub("", value)
        if harmless and (HIDDEN not in show_parameter(f"{name}={shown}") or (path and show_segment(shown) == shown)):
            return f"{key}={value}"
        if logins and name.lower() in _LOGINS:
            return f"{key}={value}"
        return f"{key if harmless or _is_secret(key) else self.hide(key)}={self.hide(value)}"

    def pipeline(self, pipeline: str) -> str:
        """The words of a GStreamer pipeline; only values of properties can be taken out of it."""
        left: list[str] = []
        for word, shown in pipeline_words(pipeline):
            element = not self.secrets and left[-1:] == ["!"] and is_element(word, any_name=True)
            left.append(word if HIDDEN not in shown or element else self._word(word))
        return " ".join(left)

    def _word(self, word: str) -> str:
        if "'" in word or '"' in word:
            return self._property(word)
        return ",".join(part if "/" in part and "=" not in part else self._property(part) for part in word.split(","))

    def _property(self, text: str) -> str:
        """One key=value of a pipeline, in quotation marks perhaps."""
        found = re.fullmatch(r"""([A-Za-z][A-Za-z0-9:-]*)=(["']?)([^"']+)\2""", text)
        if found is None:
            raise _refused(self.address)
        key, quotes, value = found.groups()
        scheme, mark, rest = value.partition("://")
        if f"={scheme}{mark}host" in redact(f"gst://fakesink {key}={scheme}{mark}host"):
            return f"{key}={quotes}{scheme}{mark}{self.url(scheme, rest)}{quotes}"
        keeps = HIDDEN not in show_property(text) or key in _LOGINS
        return text if keeps else f"{key}={quotes}{self.hide(value)}{quotes}"


def _is_secret(key: str) -> bool:
    return is_secret_key(unquote(key)) or is_secret_key(unquote(key).replace("-", "_"))


def _refused(address: str) -> Refused:
    return Refused(
        redact(address),
        wanted="an address whose secret can be told from the rest of it, to be kept out of the rig file",
        got="one whose parts run into each other",
        remedy="Write ${NAME} into it in place of the secret, and set the environment variable NAME.",
        says="has a secret that cannot be told from the rest of the address",
    )
