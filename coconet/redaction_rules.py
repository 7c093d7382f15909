"""What of an address is harmless to show: words, numbers, keys and values that describe pictures, and no others."""

from __future__ import annotations

import re
import unicodedata
from ipaddress import ip_address

from coconet.model_endings import MODEL_SUFFIXES

HIDDEN = "***"

_NUMBER = re.compile(r"[+-]?\d{1,5}(?:\.\d{1,6})?(?:[x/]\d{1,5})?")

_HOST = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){0,12}\.?")

_PORT = re.compile(r"\d{1,5}")

_NAME = re.compile(r"[\w .,+~()\[\]#-]{1,255}")

_NUMBERED_NAME = re.compile(r"[A-Za-z_]\w{0,20}=[\d.]{1,12}")  # a folder of an experiment, such as lr=0.001

_TIME = re.compile(r"(?<=\d):(?=\d)")

_ENDINGS = (
    *(".mp4", ".mkv", ".mov", ".avi", ".webm", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".toml", ".json"),
    *(".csv", *MODEL_SUFFIXES),
)


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_PATH_WORDS = _words(
    "api av axis bin cam camera cameras cgi ch chan channel channels color colour day default feed first flv",
    "fused fusion h264 h265 hd hevc high htm html image images img index infrared ir isapi jpeg jpg left live low",
    "m3u8 main media mjpeg mjpg mode mp4 mpeg mpeg4 mpegts night onvif path php play preview primary profile pub raw",
    "real right rtsp sd sdp second sensor snapshot stream streaming streams sub test thermal track ts tv",
    "unicast v video view vis visible",
)

_QUERY_KEYS = _words(
    "audio bitrate camera channel codec compression counts duration_s fifo_size fps framerate height jitter_ms latency",
    "mode noise overrun_nonfatal pkt_size profile quality rate res resolution seed size stream subtype timeout",
    "transport ttl type video width",
)

_SECRET_KEYS = _words(
    "access_token account api_key apikey auth authorization key login loginpas loginuse pass passphrase passwd",
    "password proxy-id proxy-pw pw pwd secret session sid sig signature streamid token user user-id user-pw",
    "user_id user_pw username usr",
)

_QUERY_VALUES = _words(
    "caller h264 h265 hevc jpeg main mjpeg no off on sub tcp true false udp unicast yes",
)

_PROPERTIES = _words(
    "bitrate blocksize buffer-mode channels clock-rate colorimetry config-interval depth device-index",
    "do-timestamp drop drop-on-latency encoding-name error-after flip-method format framerate height index",
    "interlace-mode io-mode is-live key-int-max latency leaky loop max-buffers max-size-buffers max-size-bytes",
    "max-size-time media num-buffers pattern payload pixel-aspect-ratio port protocols rate sensor-id sensor-mode",
    "silent skip-first speed-preset stream-type sync tcp-timeout timeout tune width",
)

_PROPERTY_VALUE = re.compile(
    r"(?:\([a-z0-9/]{1,12}\))?(?:[+-]?\d{1,10}(?:\.\d{1,6})?(?:/\d{1,5})?|[A-Za-z]{1,16}|"
    r"(?:BGR|RGB|GRAY|YUY|UYV|NV|I4)[A-Za-z0-9_]{0,8}|H26[45])"
)

_ELEMENT = re.compile(r"[a-z][a-z0-9_]{1,31}")

_KNOWN_ELEMENT = re.compile(
    r"rtspsrc|v4l2src|videotestsrc|udpsrc|tcpclientsrc|filesrc|multifilesrc|souphttpsrc|srtsrc|nvarguscamerasrc|"
    r"libcamerasrc|aravissrc|appsrc|uridecodebin3?|decodebin3?|rtp(?:h26[45]|jpeg|mp4v|mp2t|vraw)(?:depay|pay)|"
    r"rtpjitterbuffer|(?:h26[45]|jpeg|mpegvideo|mpeg4video)parse|avdec_(?:h26[45]|hevc|mjpeg|mpeg4)|jpegdec|"
    r"openh264dec|nvv4l2decoder|nvjpegdec|v4l2(?:h26[45]|jpeg)dec|videoconvert|nvvidconv|nvvideoconvert|videoscale|"
    r"videorate|videocrop|videoflip|queue2?|tee|identity|capsfilter|tsdemux|matroskademux|qtdemux|flvdemux|"
    r"multipartdemux|fakesink|appsink"
)

_CAPS = re.compile(
    r"(?:video|image|application)/(?:x-raw|x-rtp|jpeg|x-h264|x-h265|x-bayer|mpegts)(?:\(memory:[A-Z]{2,8}\))?"
)

_DEVICE = re.compile(r"device=/dev/video\d{1,3}")


def show_host(host: str) -> str:
    """A host and its port; *** for what is none, because that may be the beginning of a password."""
    if not host or is_ip(host):
        return host
    name, colon, port = host.partition(":")
    named = len(name) <= 253 and _HOST.fullmatch(name) is not None
    return host if named and (not colon or _PORT.fullmatch(port)) else HIDDEN


def is_ip(host: str) -> bool:
    """Whether a host is a plain IP address, with or without a port."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15}))(?::\d{1,5})?", host)
    try:
        return found is not None and bool(ip_address(found[1] or found[2]))
    except ValueError:
        return False


def show_segment(segment: str) -> str:
    """One step of the path of a network address: words of cameras and short numbers stay."""
    harmless = segment in ("", HIDDEN) or all(map(_is_path_word, re.split(r"[._-]", segment[:200])))
    return segment if harmless else HIDDEN


def _is_path_word(word: str) -> bool:
    return word.lower() in _PATH_WORDS or re.sub(r"\d{1,3}$", "", word).lower() in _PATH_WORDS | {""}


def show_parameter(parameter: str) -> str:
    """One part of a query, key=value, or a word that a path may have."""
    key, equals, value = parameter.partition("=")
    if not equals and show_segment(parameter) == parameter:
        return parameter
    if not equals or key.lower() not in _QUERY_KEYS | _SECRET_KEYS:
        return HIDDEN if parameter else ""
    harmless = _NUMBER.fullmatch(value) or value.lower() in _QUERY_VALUES or value in ("", HIDDEN)
    return parameter if harmless and key.lower() in _QUERY_KEYS else f"{key}={HIDDEN}"


def show_name(name: str) -> str:
    """One folder or file of a path on this machine; accents and vowel signs that stand by themselves are letters."""
    plain = _TIME.sub("", "".join(letter for letter in name if not unicodedata.category(letter).startswith("M")))
    if plain.lower().endswith(_ENDINGS):
        plain = plain.replace("@", "")
    harmless = not plain or _NAME.fullmatch(plain) or _NUMBERED_NAME.fullmatch(plain)
    return name if harmless and name.isprintable() else HIDDEN


def is_element(word: str, *, any_name: bool) -> bool:
    """Whether a word is the name of a GStreamer element; any_name: also of one that is not known here."""
    return (_ELEMENT if any_name else _KNOWN_ELEMENT).fullmatch(word) is not None


def show_caps(caps: str) -> str:
    """The caps of a GStreamer pipeline, such as video/x-raw,width=640; empty for what is none."""
    kind, *fields = caps.split(",")
    return ",".join([kind, *map(show_property, fields)]) if _CAPS.fullmatch(kind) else ""


def show_property(text: str) -> str:
    """One property of a GStreamer element, key=value."""
    key, equals, value = text.partition("=")
    if _DEVICE.fullmatch(text) or (key in _PROPERTIES and (_PROPERTY_VALUE.fullmatch(value) or value == HIDDEN)):
        return text
    return f"{key}={HIDDEN}" if equals and key in _PROPERTIES | _SECRET_KEYS | {"location", "uri", "device"} else HIDDEN


def is_secret_key(key: str) -> bool:
    """Whether what stands before an equals sign names a secret, alone or as the last of several words."""
    return key.lower() in _SECRET_KEYS or re.split(r"[^A-Za-z-]+", key.lower()[-40:])[-1] in _SECRET_KEYS
