"""Events reach a web address, signed, again after a failure, and hold nobody up while it is away."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from contextlib import closing

import pytest

from coconet.runtime.alarms.webhook import SIGNATURE, TIMESTAMP, Webhook
from tests.support.rigs.alarm_frames import event_of, receiver
from tests.support.rigs.live_rig import until

SECRET = "a secret of this test"  # noqa: S105


def test_an_event_is_posted_as_json_and_signed() -> None:
    with receiver() as (url, received), Webhook(f"{url}/hook?x=1", SECRET) as hook:
        hook.tell(event_of())
        assert until(lambda: hook.sent == 1)
    ((path, headers, body),) = received.requests
    assert (path, json.loads(body)["alarm"]) == ("/hook?x=1", "hot")
    wanted = hmac.new(SECRET.encode(), headers[TIMESTAMP].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={wanted}"


def test_a_receiver_that_fails_is_asked_again_and_events_stay_in_order() -> None:
    with receiver(503) as (url, received), Webhook(url) as hook:
        hook.tell(event_of(1))
        hook.tell(event_of(2))
        assert until(lambda: hook.sent == 2)
    assert [json.loads(body)["serial"] for _, _, body in received.requests] == [1, 1, 2]


@pytest.mark.parametrize("status", [400, 403, 302])
def test_what_a_receiver_refuses_is_given_up_at_once(status: int) -> None:
    with receiver(status) as (url, received), Webhook(url) as hook:
        hook.tell(event_of(1))
        hook.tell(event_of(2))
        assert until(lambda: (hook.sent, hook.lost) == (1, 1))
    assert len(received.requests) == 2


def test_a_receiver_that_never_answers_costs_its_timeout_and_keeps_nobody() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Webhook(address, timeout_s=0.2, tries=1) as hook:
            for serial in range(400):
                hook.tell(event_of(serial))  # a flood: the oldest give way
            assert until(lambda: hook.lost > 400 - 256)
        assert hook.sent == 0


def test_nobody_at_the_other_end_loses_the_event_after_the_last_try() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with Webhook(address, tries=2) as hook:
        hook.tell(event_of())
        assert until(lambda: hook.lost == 1)
