"""Access: a token to change what runs and one to watch it, and a line in the log for every change."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from starlette.datastructures import Headers

from coconet.errors import CoconetError
from coconet.runtime.rig.live_settings import AdjustableRig
from coconet.runtime.rig.rig_file import Rig
from coconet.runtime.viewers.auth import Access, is_loopback
from coconet.runtime.viewers.live_page import PageSettings
from tests.support.rigs.live_rig import LiveRig, live_rig

TOKEN, VIEW_TOKEN = "correct-horse-battery", "only-look-at-the-horse"
SYNTHETIC = "synthetic://?width=32&height=32"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRig]:
    folder = tmp_path_factory.mktemp("rig")
    file = folder / "rig.toml"
    file.write_text(f'[visible]\naddress = "{SYNTHETIC}"\n[infrared]\naddress = "{SYNTHETIC}"\n')
    settings = PageSettings(port=0, token=TOKEN, captures=folder / "kept", view_token=VIEW_TOKEN)
    with live_rig(folder, tuner=AdjustableRig(Rig.from_file(file), file), page=settings) as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def cookie(rig: LiveRig, token: str, host: str = "localhost") -> dict[str, str]:
    told = rig.ask("POST", "/login", {"token": token}, {"Host": host})[1]["set-cookie"]
    assert token not in told
    assert "path" not in told.lower()
    return {"Cookie": told.partition(";")[0], "Host": host}


CHANGES = [
    ("/settings", {"infrared": {"offset_ms": 3.0}}),
    ("/settings/save", {}),
    ("/snapshot", {}),
    ("/recording", {"on": True}),
    ("/recording", {"on": False}),
]


@pytest.mark.parametrize("carried", ["token", "cookie"])
def test_the_token_to_watch_shows_everything_and_changes_nothing(rig: LiveRig, carried: str) -> None:
    headers = bearer(VIEW_TOKEN) if carried == "token" else cookie(rig, VIEW_TOKEN)
    for path in ("/", "/vitals", "/metrics", "/settings"):
        assert rig.ask("GET", path, headers=headers)[0] == 200
    assert json.loads(rig.ask("GET", "/settings", headers=headers)[2])["may_change"] is False
    for path, body in CHANGES:
        status, _, told = rig.ask("POST", path, body, headers)
        assert (status, told) == (403, b"This token gives the right to watch, not to change anything.")
    assert rig.page.view.captures.recording is None


def test_two_rigs_behind_one_name_keep_a_cookie_each(rig: LiveRig) -> None:
    """Browsers keep cookies by host, whatever the port, and send that of the page above as well."""
    here, beside = (cookie(rig, TOKEN, host) for host in ("localhost:8000", "localhost:8001"))
    assert here["Cookie"].partition("=")[0] != beside["Cookie"].partition("=")[0]
    assert rig.ask("GET", "/vitals", headers={**beside, "Host": here["Host"]})[0] == 401
    name = here["Cookie"].partition("=")[0]
    for sent in (f"{name}=of-the-page-above; {here['Cookie']}", f"{here['Cookie']}; {name}=of-the-page-above"):
        assert rig.ask("GET", "/vitals", headers={**here, "Cookie": sent})[0] == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "post", "X"])
def test_no_other_method_gets_past_it(rig: LiveRig, method: str) -> None:
    assert rig.ask(method, "/settings", {"infrared": {"offset_ms": 3.0}}, bearer(VIEW_TOKEN))[0] == 403


def test_every_change_is_a_line_with_who_and_what_and_never_the_token(
    rig: LiveRig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "coconet.run")
    headers = cookie(rig, TOKEN)
    assert rig.ask("POST", "/settings", {"infrared": {"offset_ms": 4.5}}, headers)[0] == 200
    assert rig.ask("POST", "/settings", {"infrared": {"offset_ms": "x"}}, headers)[0] == 400
    assert rig.ask("POST", "/settings/save", {}, headers)[0] == 200
    assert rig.ask("POST", "/snapshot", {}, headers)[0] == 200
    lines = [vars(record)["fields"] for record in caplog.records if record.getMessage() == "change"]
    assert [line["what"] for line in lines] == ["settings", "settings saved", "snapshot"]
    assert {line["who"] for line in lines} == {"127.0.0.1"}
    assert lines[0]["values"] == {"infrared": {"offset_ms": 4.5}}
    assert TOKEN not in json.dumps(lines)
    assert headers["Cookie"].partition("=")[2] not in json.dumps(lines)


def test_wrong_tokens_are_a_few_lines_without_the_token(rig: LiveRig, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(40):
        assert rig.ask("POST", "/login", {"token": f"guess-number-{number}-of-many"})[0] == 401
    lines = [vars(record)["fields"] for record in caplog.records if record.getMessage() == "refused"]
    assert 1 <= len(lines) <= 6
    assert "guess" not in str(lines)


@pytest.mark.parametrize(
    ("token", "view_token", "said"),
    [
        (TOKEN, "short", "--view-token has 5 characters, fewer than 16"),
        (TOKEN, TOKEN, "--token is the same as --view-token, which may only watch"),
        (None, VIEW_TOKEN, "--token is missing beside --view-token"),
    ],
)
def test_a_token_to_watch_needs_another_one_beside_it(token: str | None, view_token: str, said: str) -> None:
    with pytest.raises(CoconetError, match=said) as refused:
        Access("127.0.0.1", token, view_token)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "[::1]", "::1", "localhost", "LocalHost.", "::ffff:127.0.0.1"]
)
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "198.51.100.7", "::", "192.0.2.1", "127.0.0.1.example", "localhost.example", "127.1"]
)
def test_names_of_others(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.2", "[::1]:8000", "LOCALHOST"])
def test_without_a_token_every_name_of_this_machine_is_answered(host: str) -> None:
    assert Access("127.0.0.1", None).refusal(Headers({"host": host}), "/") is None
