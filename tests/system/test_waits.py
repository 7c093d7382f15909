"""No wait of ours is without a limit: every call that may block says how long, or stands below with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("coconet", "runtime", "export", "calibration", "benchmarks")

BARE = {"join", "wait", "get", "result", "exception", "acquire", "communicate", "accept", "shutdown", "select", "take"}
"""Methods that wait for ever if nothing is handed to them: of threads, processes, queues, locks, events, futures."""

ALWAYS = {"recv", "recv_bytes", "recvfrom", "readline", "urlopen", "create_connection", "getaddrinfo", "as_completed"}
"""What waits for the other end of a pipe, a socket or a file, whatever is handed to it but a time-out."""

OWNED = {"Thread", "Process", "Popen", "ThreadPoolExecutor", "ProcessPoolExecutor", "Pool"}
"""What starts a thread or a process; only the places below do."""

PROCESSES = {"subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output"}

REASONS = {
    "runtime/alarms/event_recorder.py queue.take": "ends with the queue, which stop ends",
    "runtime/backends/openvino/backend.py self._pending.popleft().request.wait": "computes, in a library's threads",
    "runtime/backends/remote/backend.py self._wanted.get": "close hands in the end",
    "runtime/cameras/network.py socket.getaddrinfo": "after a camera did not open; the resolver has a limit of its own",
    "runtime/fleet/engines/local_engine.py _CONTEXT.Process": "killed if it does not end by itself",
    "runtime/fleet/engines/local_engine.py desk.line.recv": "wait, which has a limit, said that there is something",
    "runtime/fleet/engines/local_engine.py line.recv": "in the worker, which ends with its parent",
    "runtime/fleet/engines/ray_engine.py ray.shutdown": "no wait of ours: Ray ends what it started",
    "runtime/fleet/engines/ray_engine.py socket.create_connection": "has a limit, which is handed to it",
    "runtime/backends/remote/grpc_model.py call.result": "the call has a limit of its own, at which gRPC ends it",
    "runtime/serving/grpc_server.py ThreadPoolExecutor": "handed to gRPC, which ends it and answers its errors",
    "runtime/serving/grpc_server.py waits.result": "the queue answers all that wait, at their deadline or at its end",
    "benchmarks/studies/fleet/batch_cost.py subprocess.Popen": "a command of ours, which ends; Ctrl-C ends both",
    "benchmarks/studies/fleet/serve_cost.py subprocess.Popen": "terminated at the end of its block",
    "benchmarks/studies/fleet/serve_cost.py ThreadPoolExecutor": "its requests have limits, and its errors are raised",
    "benchmarks/studies/heat/alarm_latency.py Thread": "follows and serves until its block ends",
    "benchmarks/studies/heat/alarm_latency.py server.shutdown": "of a server that waits half a second at most",
    "runtime/pairing/nearest.py queue.take": "gives at once the frame that was looked at before",
    "coconet/commands/__main__.py heard.recv": "in a thread of its own, over when the other end is closed",
    "coconet/pages/browser.py webbrowser.get": "chooses a browser, and waits for nothing",
    "coconet/progress/lines.py self._changed.wait": "in that thread, for the next work or the end",
    "coconet/progress/lines.py Thread": "a daemon that ends with its block, whatever it waits for",
    "coconet/commands/__main__.py Thread": "ends the process if the main thread does not",
    "calibration/alignment/find_time_offset.py capture.take": "after a wait, which has a limit",
    "runtime/scoring/scored_pairs.py ThreadPoolExecutor": "computes; its errors are raised by result",
    "runtime/scoring/scored_pairs.py pending.popleft().result": "computes, in threads that wait for nothing",
    "runtime/threads/background.py Thread": "the one place that starts threads",
    "runtime/threads/stop_signals.py heard.recv": "the other end is shut down when the block ends",
    "runtime/threads/queue_thread.py queue.take": "ends with the queue, which stop ends",
    "runtime/backends/tensorrt/own_engine.py subprocess.Popen": "terminated, then killed, if the wait ends early",
    "runtime/backends/tensorrt/own_engine.py process.wait": "builds for minutes with progress; a signal ends the wait",
    "runtime/rig/recorder.py self._capture.take": "ends with the capture, which close stops",
    "runtime/ros/node/fusion_node.py rclpy.shutdown": "ends the context of ROS, and waits for nothing",
    "runtime/sinks/stream_process.py subprocess.Popen": "killed as its stream is closed",
    "runtime/sinks/stream_process.py pipe.recv": "after poll; in the process, over when its parent is",
    "runtime/sinks/stream_process.py pipe.recv_bytes": "over when its parent is",
    "runtime/viewers/latest_frame.py ThreadPoolExecutor": "its errors are raised to each viewer that asked",
    "runtime/viewers/latest_frame.py self._pool.shutdown": "encodes one picture at most, and waits for nothing",
    "runtime/viewers/captures/capture_folder.py self._making.take": "gives at once whether there is any left",
    "runtime/viewers/captures/capture_routes.py listing.take": "gives at once whether there is any left",
    "runtime/viewers/connections.py super().shutdown": "closes one connection of the event loop, and waits for nothing",
    "runtime/viewers/connections.py allowance.take": "gives at once whether there is any left",
    "runtime/viewers/rate_limit.py self._allowance.take": "gives at once whether there is any left",
    "runtime/viewers/snapshots.py allowance.take": "gives at once whether there is any left",
    "runtime/viewers/web_app.py socket.accept": "a coroutine, under the deadline of its connection",
    "runtime/viewers/web_app.py task.exception": "of a task that is done",
    "runtime/viewers/web_app.py wish.result": "of a task that is done",
    "runtime/viewers/web_server.py socket.getaddrinfo": "looks up a host of this machine",
    "benchmarks/endurance/killed_run.py subprocess.Popen": "killed at the end of its trial, or of the soak",
    "benchmarks/endurance/asked_process.py answers.readline": "in a thread that is waited for with a limit",
    "benchmarks/endurance/asked_process.py subprocess.Popen": "killed at the end of its block",
    "benchmarks/endurance/alarms/broker.py subprocess.Popen": "killed at the end of its block",
    "benchmarks/endurance/alarms/receiver_process.py Thread": "serves until its process ends",
    "benchmarks/endurance/viewer_process.py self._watching.wait": "a task, cancelled when stdin ends",
    "benchmarks/endurance/viewer_process.py socket.recv": "a task, cancelled when stdin ends",
    "benchmarks/latency/worker.py context.Process": "killed if it does not end by itself",
    "benchmarks/latency/worker.py self._pipe.recv": "poll, which has a limit, said that an answer is there",
    "benchmarks/latency/worker.py pipe.recv": "in the worker, which ends with its parent",
    "benchmarks/latency/worker.py Thread": "ends the worker with its parent, and does nothing that can fail",
    "benchmarks/machine/reference_load.py ThreadPoolExecutor": "computes; its errors are raised by map",
    "benchmarks/studies/processor/busy_process.py subprocess.Popen": "killed at the end of its block",
    "benchmarks/studies/processor/busy_process.py process.stdout.readline": "a line that it writes as it begins",
    "benchmarks/studies/processor/turns.py subprocess.Popen": "a command of ours that ends, and is waited for",
    "benchmarks/machine/tegrastats.py subprocess.Popen": "terminated, then killed, at the end",
}


def calls(text: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))


def is_unbounded(call: ast.Call) -> bool:
    written = ast.unparse(call.func)
    name = written.rpartition(".")[2]
    limited = any(word.arg == "timeout" or ast.unparse(word) == "wait=False" for word in call.keywords)
    if name in OWNED:
        return True
    if limited or (name == "wait_for" and len(call.args) > 1):
        return False
    bare = name in BARE and "." in written and not call.args
    return bare or name in ALWAYS or name == "wait_for" or written in PROCESSES


def unbounded(text: str) -> set[str]:
    return {ast.unparse(call.func) for call in calls(text) if is_unbounded(call)}


@pytest.mark.parametrize(
    "text",
    [
        "thread.join()",
        "stop.wait()",
        "queue.get()",
        "future.result()",
        "lock.acquire()",
        "condition.wait_for(ready)",
        "pipe.recv()",
        "process.communicate()",
        "subprocess.run(words, check=True)",
        "threading.Thread(target=work)",
        "pool.shutdown(cancel_futures=True)",
    ],
)
def test_a_wait_without_a_limit_is_found(text: str) -> None:
    assert unbounded(text)


@pytest.mark.parametrize(
    "text",
    [
        "thread.join(2)",
        "stop.wait(timeout=1)",
        "known.get(name)",
        "', '.join(words)",
        "condition.wait_for(ready, 1)",
        "subprocess.run(words, timeout=5)",
        "run(words)",
    ],
)
def test_a_wait_with_a_limit_and_what_is_no_wait_are_left_alone(text: str) -> None:
    assert not unbounded(text)


def test_every_wait_has_a_limit_or_a_reason() -> None:
    files = [path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))]
    found = {f"{path.relative_to(ROOT)} {written}" for path in files for written in unbounded(path.read_text())}
    assert len(files) > 200
    assert found == set(REASONS)
