"""Redaction: addresses and messages shown without their secrets, by showing only what is known to be harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from coconet.redaction_rules import (
    HIDDEN,
    is_element,
    is_ip,
    is_secret_key,
    show_caps,
    show_host,
    show_name,
    show_parameter,
    show_property,
    show_segment,
)

_LONGEST = 200  # of what is shown, in characters: a name is to be recognised, not repeated

_LONGEST_PATH = 4096  # of a file; what is longer is none

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,15}):/{1,2}")

_IN_TEXT = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,15}:/")

_BROKEN_URL = re.compile(
    r"(?i)\s*(rtsps?|rtmps?|rtp|srt|https?|ftps?|sftp|tcp|udp|tls|mms|wss?|gst|csi|synthetic|painted):|"
    r"(?i:\s*(rtsps?|rtmps?|rtp|srt|https?|ftps?|sftp|tcp|udp|tls|mms|wss?|gst))(?:[;\\]|//)"
)

_BARE_URL = re.compile(r"[^/]*:[^/]*@")  # user:password@host

_TOKEN = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')+""", re.DOTALL)

_MOST_TOKENS = 200

_SHORT = 3


def redact(address: str) -> str:
    """Return an address or a path fit to be shown: what is known to be harmless stays, everything else becomes ***.

    Scheme, host and port stay, and so do words and numbers that paths of cameras are made of, and values of queries and
    of GStreamer properties that describe pictures. A user and a password, every other part of a network address, and
    the name of a file that looks like part of one do not. What is long is shortened.
    """
    if (url := _URL.match(address)) is not None:
        shown = _redact_url(url[1], address[url.end() :])
    elif (broken := _BROKEN_URL.match(address)) is not None:
        shown = f"{broken[1] or broken[2]}:{HIDDEN}"
    elif _IN_TEXT.search(address) is not None or len(address) > _LONGEST_PATH:
        shown = HIDDEN  # an address inside something else
    else:
        shown = "/".join(map(show_name, address.split("/")))
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST // 2]}... ({len(address)} characters)"


def redact_text(text: str, *addresses: str) -> str:
    """Return a message fit to be shown: addresses in it are redacted, and so is what of `addresses` may not be shown.

    addresses: what the message is about, so that secrets are found wherever the message repeats them.
    """
    for secret in sorted({word for address in addresses for word in _hidden_words(address)}, key=len, reverse=True):
        # A short one is part of many a harmless word.
        form = re.escape(secret) if len(secret) > _SHORT else rf"(?<!\w){re.escape(secret)}(?!\w)"
        text = re.sub(form, lambda _found: HIDDEN, text)
    return "".join(map(_redact_piece, re.split(r"( and |, )(?=[A-Za-z][A-Za-z0-9+.-]{1,15}:/)", text)))


def is_network_address(path: str) -> bool:
    """Whether what is given as a path is rather a network address, of any scheme, however it is written."""
    return any(form.match(path) for form in (_URL, _BROKEN_URL, _BARE_URL))


def _redact_url(scheme: str, rest: str) -> str:
    kind = scheme.lower()
    if kind == "gst":
        return f"{scheme}://{_redact_pipeline(rest)}"
    if kind == "csi":
        return f"{scheme}://{_show_tail(rest) if re.match(r'[0-9]{0,3}(?=[?]|$)', rest) else HIDDEN}"
    if kind in ("synthetic", "painted") and rest[:1] not in ("", "?"):
        return f"{scheme}://{HIDDEN}"
    authority, tail = split_authority(rest)
    secret, at, host = authority.rpartition("@")
    if "@" in tail:  # a slash or the like in a password: where the host begins is a guess, unless it is an IP address
        host, tail = split_authority(tail.rpartition("@")[2])
        secret, at = HIDDEN, "@"
        host = host if is_ip(host) else HIDDEN
    shown = show_host(host)
    if shown == HIDDEN:
        return f"{scheme}://{HIDDEN}"
    return f"{scheme}://{HIDDEN + at if secret or at else ''}{shown}{_show_tail(tail)}"


def split_authority(text: str) -> tuple[str, str]:
    """Part user, password, host and port from what follows them."""
    found = re.search(r"[/?#\\]", text)
    return (text, "") if found is None else (text[: found.start()], text[found.start() :])


def _show_tail(tail: str) -> str:
    """A path and a query; a fragment is never shown."""
    tail, mark, _ = tail.partition("#")
    path, question, query = tail.partition("?")
    shown = "/".join(map(show_segment, path.split("/")))
    if question:
        shown += "?" + "&".join(map(show_parameter, query.split("&")))
    shown = re.sub(r"\*\*\*(?:[/&]\*\*\*)+", HIDDEN, shown)
    return f"{shown}#{HIDDEN}" if mark else shown


def _redact_pipeline(pipeline: str) -> str:
    """Show the elements of a pipeline and its harmless properties; nothing after a quote that is not closed."""
    return re.sub(r"\*\*\*(?: \*\*\*)+", HIDDEN, " ".join(shown for _, shown in pipeline_words(pipeline)))


def pipeline_words(pipeline: str) -> Iterator[tuple[str, str]]:
    """Part a GStreamer pipeline into its words, each with what may be shown of it; all that follows the last is one."""
    rest, before, clean = pipeline.strip(), "!", True
    for count in range(_MOST_TOKENS + 1):
        if not rest:
            return
        found = _TOKEN.match(rest)
        whole = found is not None and (found.end() == len(rest) or rest[found.end()].isspace())
        if found is None or not whole or count == _MOST_TOKENS:
            yield rest, HIDDEN
            return
        shown = _show_token(found[0], head=before == "!", clean=clean)
        yield found[0], shown
        before, clean = shown, clean and HIDDEN not in shown
        rest = rest[found.end() :].lstrip()


def _show_token(token: str, *, head: bool, clean: bool) -> str:
    """head: where an element stands. clean: nothing before it was hidden, so that it is no part of a password."""
    if token in ("!", HIDDEN) or (head and is_element(token, any_name=clean)):
        return token
    if head and (caps := show_caps(token)):
        return caps
    key, _, value = token.partition("=")
    value = value.strip("\"'")
    url = _URL.match(value)
    known = _BROKEN_URL.match(value) is not None  # another scheme may be part of a password
    if key in ("location", "uri") and url is not None and known and url[1].lower() != "gst":
        return f"{key}={_redact_url(url[1], value[url.end() :])}"
    return show_property(token)


def _hidden_words(address: str) -> Iterator[str]:
    """What of an address may not be shown, as it stands there and as it is without escapes."""
    shown = redact(address)
    for word in re.split(r"[\s\"'=!,;&?@/]+", address[:_LONGEST_PATH]):
        yield from (form for form in (word, unquote(word)) if len(form) > 1 and form not in shown)


def _redact_piece(piece: str) -> str:
    """Redact from the first address in a piece of text on; up to the last @ everything may belong to its password."""
    found = _IN_TEXT.search(piece)
    if found is None:
        return re.sub(r"\S+", _show_word, piece)
    before, address = piece[: found.start()], piece[found.start() :]
    if address[:5].lower() == "gst:/":
        return re.sub(r"\S+", _show_word, before) + redact(address)
    space = re.compile(r"[\s\"'<>]").search(address, max(address.rfind("@"), 0))
    stop = len(address) if space is None else space.start()
    url, after = address[:stop].rstrip(".,;:)]"), address[stop:]
    punctuation = address[len(url) : stop]
    return re.sub(r"\S+", _show_word, before) + redact(url) + punctuation + (_redact_piece(after) if after else "")


def _show_word(word: re.Match[str]) -> str:
    """Redact a word that is no address, but may hold a password: user:password@host, or key=value."""
    text = word[0]
    if len(text) > _LONGEST_PATH:
        return f"{text[: _LONGEST // 2]}... ({len(text)} characters)"
    if "@" in text and ":" in text.rpartition("@")[0]:
        return f"{HIDDEN}@{show_host(split_authority(text.rpartition('@')[2])[0])}"
    key, equals, value = text.partition("=")
    return f"{key}={HIDDEN}" if equals and value and ("=" in value or is_secret_key(key)) else text
