"""The images and the lines that start them: what they are lent, whose files they write, and what lies in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coconet.installation.remedy import JETSON_PACKAGES, SYSTEM_PACKAGES
from coconet.runtime.cache_folder import default_cache_folder

ROOT = Path(__file__).resolve().parents[2]
SOCKET = "/tmp/argus_socket"  # noqa: S108  the daemon chose it
GUIDES = {"jetson": "docs/jetson.md", "desktop": "docs/desktop.md"}
images = pytest.mark.parametrize("name", GUIDES)


def image(name: str) -> str:
    return (ROOT / "docs" / "docker" / f"{name}.Dockerfile").read_text().replace("\\\n", " ")


def started(name: str) -> list[str]:
    text = (ROOT / GUIDES[name]).read_text().replace("\\\n", " ")
    return re.findall(r"^docker run .*$", text, re.MULTILINE)


@images
def test_what_a_container_keeps_lies_in_the_folder_that_is_lent_to_it(name: str) -> None:
    (folder,) = re.findall(r"^WORKDIR (.*)$", image(name), re.MULTILINE)
    variables = dict(re.findall(r"^ENV (\w+)=(.*)$", image(name), re.MULTILINE))
    assert default_cache_folder(variables).is_relative_to(folder)
    assert all(f'--volume "$PWD:{folder}"' in line for line in started(name))


@images
def test_what_it_writes_belongs_to_who_started_it(name: str) -> None:
    assert started(name)
    assert all('--user "$(id -u):$(id -g)"' in line for line in started(name))


@images
def test_it_has_the_binding_of_gstreamer_and_encoders_and_the_camera_daemons_socket(name: str) -> None:
    wanted = {*SYSTEM_PACKAGES["gstreamer"], *(f"gstreamer1.0-plugins-{kind}" for kind in ("base", "good", "bad"))}
    wanted |= set(JETSON_PACKAGES["tensorrt"]) if name == "jetson" else set()
    assert wanted <= set(image(name).split())
    with_cameras = [line for line in started(name) if "/dev/video" in line]
    assert all(f"{SOCKET}:{SOCKET}" in line for line in with_cameras)
    assert bool(with_cameras) == (name == "jetson")


def test_no_environment_of_the_checkout_goes_into_an_image() -> None:
    left_out = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".*", "*.egg-info", "build"} <= set(left_out)
