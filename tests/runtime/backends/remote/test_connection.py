"""What is said of a server that answers with something else: half a sentence, which also stands in pictures."""

from __future__ import annotations

import socket
from threading import Thread

import pytest

from coconet.runtime.backends.remote.connection import ServerConnection, ServerUnreachable
from coconet.runtime.backends.remote.server_address import ServerAddress

ANSWERS = {
    b"": "the connection was closed before an answer",
    b"\x10\x9f\xac\xf3 secret\r\n": "an answer that is no HTTP",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf": "an answer that broke off",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf": "an answer that broke off",
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_bad_answer_is_told_in_words_and_nothing_of_it_is_repeated(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(65536)
                line.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        connection = ServerConnection(ServerAddress.parse(f"http://127.0.0.1:{listener.getsockname()[1]}/model"))
        with pytest.raises(ServerUnreachable) as told:
            connection.ask("/v2", 10)
        thread.join()
    assert told.value.got == ANSWERS[answer]
