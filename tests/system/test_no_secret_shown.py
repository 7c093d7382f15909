"""No command shows the password of an address, wherever it was written: as a camera, a file, an option or a setting."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from coconet.cli import main
from tests.support.servers.secret_addresses import SECRET

RTSP = f"rtsp://me:{SECRET}@127.0.0.1:9/user=me_password={SECRET}.sdp"
HTTP = f"http://127.0.0.1:9/video?access_token={SECRET}&p%61ss={SECRET}"

RIG = f'[visible]\naddress = "{RTSP}"\n[infrared]\naddress = "{HTTP}"\n'

BAD_RIGS = [
    f'[visible]\naddress = ["{RTSP}"]\n',
    f'[visible]\naddress = {{ url = "{RTSP}" }}\n',
    f'visible = "{RTSP}"\n',
    f'visible = "{RTSP}"\nvisible = 1\n',
    f'[visible]\n"{RTSP}" = 1\n',
    f'[visible]\n"{RTSP}" = 1\n"{RTSP}" = 2\n',
    f'["{RTSP}"]\n["{RTSP}"]\n',
    f"[visible]\naddress = {RTSP}\n",
    f'[visible]\naddress = "{RTSP}\n',
    f'[visible]\naddress = "a"\nfps = "{RTSP}"\n',
    f'[visible]\naddress = "a"\nfps = "{SECRET}"\n',
    f'[visible]\naddress = "a"\nlayout = ["{SECRET}"]\n',
    f'[visible]\naddress = "tape://{SECRET}:{SECRET}@h"\n[infrared]\naddress = "b"\n',
    f'[visible]\naddress = "a"\nname = "{RTSP}"\nfps = 5\n[infrared]\naddress = "b"\n',
]

COMMANDS = [
    RTSP,
    f"--{RTSP}",
    f"run {RTSP}",
    f"run rig.toml {RTSP}",
    f"run --port {RTSP}",
    f"run --view {RTSP}",
    f"run --visible {RTSP} --infrared {HTTP}",
    f"run --visible {RTSP} --infrared {HTTP} --log json",
    f"run --visible {RTSP} --infrared {HTTP} --model {RTSP}",
    f"run --visible {RTSP} --infrared {HTTP} --backend {RTSP}",
    f"run --visible {RTSP}",
    f"run synthetic.toml --backend remote --server http://me:{SECRET}@127.0.0.1:9/lite",
    f"run synthetic.toml --backend remote --server http://127.0.0.1:9/lite --server-token {SECRET}{SECRET}",
    "run rig.toml --log text",
    "run rig.toml --view web --port 0 --log json",
    f"run synthetic.toml --frames 1 --out srt://host?passphrase={SECRET}",
    f"run synthetic.toml --frames 1 --out RTSPS://me:{SECRET}@127.0.0.1:9/x",
    f"run synthetic.toml --frames 1 --out {RTSP} --log json",
    f"run synthetic.toml --frames 1 --json {RTSP}",
    f"run synthetic.toml --frames 1 --view web --port 0 --captures {RTSP}",
    f"run synthetic.toml --frames 1 --view web --host me:{SECRET}@host --token {SECRET}{SECRET}",
    f"run synthetic.toml --view web --host 0.0.0.0 --token {SECRET}",
    "record rig.toml --out night",
    f"record synthetic.toml --out {RTSP} --seconds 0.1",
    f"record {RTSP} --out night",
    "align rig.toml",
    f"align {RTSP}",
    f"align synthetic.toml --board {RTSP}",
    f"align synthetic.toml --point {RTSP}",
    "offset rig.toml",
    f"offset {RTSP}",
    "calibrate model.onnx --rig rig.toml",
    f"calibrate {RTSP} --frames vis",
    f"calibrate model.onnx --frames {RTSP}",
    f"calibrate model.onnx --visible {RTSP} --infrared {HTTP}",
    f"verify {RTSP} {HTTP} --frames vis",
    f"export {RTSP} --out m.onnx",
    f"build {RTSP}",
    f"bench run {RTSP}",
    f"bench {RTSP}",
    f"precision {RTSP} {HTTP}",
    f"steadiness --visible {RTSP} --infrared {HTTP}",
    f"contact {RTSP} {HTTP}",
    f"soak {RTSP}",
    "soak rig.toml --minutes 0.05",
    f"score {RTSP} {HTTP} {RTSP}",
    f"train {RTSP}",
    f"serve {RTSP}",
    f"batch {RTSP} --out results",
    f"batch . --out {RTSP}",
    f"serve-repository {RTSP} --out repo",
    f"demo --out {RTSP}/x",
    f"doctor {RTSP}",
]


TOLD = f"""
[[alarm]]
name = "cold"
camera = "infrared"
states = ["late", "lost", "frozen"]
[alarms.webhook]
url = "http://me:{SECRET}@127.0.0.1:9/hook?token={SECRET}"
secret = "{SECRET}"
tries = 1
[alarms.mqtt]
address = "mqtt://me:{SECRET}@127.0.0.1:9"
"""

BAD_ALARMS = [
    f'[alarms.webhook]\nurl = "{RTSP}"\n',
    f'[alarms.webhook]\nurl = "http://me:{SECRET}@[::1"\n',
    f'[alarms.webhook]\nurl = ["http://h/{SECRET}"]\n',
    f'[alarms.webhook]\nurl = "http://h"\nsecret = ["{SECRET}"]\n',
    f'[alarms.webhook]\nurl = "http://h"\ntimeout_s = "{SECRET}"\n',
    f'[alarms.webhook]\nurl = "http://h"\n"http://me:{SECRET}@h" = 1\n',
    f'[alarms.mqtt]\naddress = "{HTTP}"\n',
    f'[alarms.mqtt]\naddress = "mqtt://me:{SECRET}@h:99999"\n',
    f'[alarms.mqtt]\naddress = "mqtt://h"\ntopic = "#{SECRET}"\n',
    f'[[alarm]]\nname = "a"\nmeter = "b"\nwhen = "http://me:{SECRET}@h"\n',
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rig.toml").write_text(RIG)
    synthetic = "synthetic://?width=32&height=32&duration_s=1"
    (tmp_path / "synthetic.toml").write_text(
        f'[visible]\naddress = "{synthetic}"\n[infrared]\naddress = "{synthetic}"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(words: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "argv", ["coconet", *words])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code not in (0, 1)
    return "".join(capfd.readouterr())


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_a_password_or_writes_a_name_that_holds_it(
    command: str, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = said(command.split(), capfd, monkeypatch)
    assert SECRET not in told.replace("\n", "").replace("│", "").replace(" ", "")
    assert not [path for path in folder.rglob("*") if SECRET in str(path.relative_to(folder))]


@pytest.mark.parametrize("text", BAD_RIGS)
def test_no_rig_file_is_refused_with_the_password_in_it(
    text: str, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "rig.toml").write_text(text)
    told = said(["run", "rig.toml"], capfd, monkeypatch)
    assert "error:" in told
    assert SECRET not in told


@pytest.mark.parametrize("text", BAD_ALARMS)
def test_no_alarm_is_refused_with_the_secret_in_it(
    text: str, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "rig.toml").write_text((folder / "synthetic.toml").read_text() + text)
    told = said(["run", "rig.toml"], capfd, monkeypatch)
    assert "error:" in told
    assert SECRET not in told


@pytest.mark.skipif(find_spec("paho") is None, reason="alarms are published with paho-mqtt")
def test_receivers_of_alarms_that_are_not_there_are_told_without_their_secrets(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras = [
        f'[{side}]\naddress = "synthetic://?fps=20&duration_s={s}"\n' for side, s in (("visible", 4), ("infrared", 1))
    ]
    (folder / "rig.toml").write_text("realtime = true\n" + "".join(cameras) + TOLD)
    words = "run rig.toml --model average --log json --json r.json"
    monkeypatch.setattr(sys, "argv", ["coconet", *words.split()])
    with pytest.raises(SystemExit):
        main()
    told = "".join(capfd.readouterr()) + (folder / "r.json").read_text()
    assert "127.0.0.1" in told
    assert SECRET not in told
