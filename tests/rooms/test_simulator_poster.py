"""The simulator's own HTTP sender: connections are kept, and no answer can hurt it."""

from __future__ import annotations

import asyncio

import pytest

from rooms.chat.simulator.poster import Poster, PostError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Peer:
    """A server that answers each request with the next of some raw bytes; None closes without a word."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connection_count = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0)
                if answer is None:
                    return
                writer.write(answer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            return
        finally:
            writer.close()


def post(*answers: bytes | None, count: int | None = None) -> tuple[Peer, list[object]]:
    """What became of so many posts, one after the other."""

    async def play() -> tuple[Peer, list[object]]:
        peer = Peer(*answers)
        server = await asyncio.start_server(peer.handle, "127.0.0.1", 0)
        poster = Poster(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/")
        found: list[object] = []
        for number in range(len(answers) if count is None else count):
            try:
                found.append(await asyncio.wait_for(poster.post(f"n={number}", b"{}"), 5))
            except (PostError, OSError, TimeoutError) as problem:
                found.append(problem)
        poster.close()
        server.close()
        return peer, found

    return asyncio.run(play())


def test_one_connection_serves_many_posts() -> None:
    peer, found = post(OK, OK, OK)
    assert found == [(200, b"{}")] * 3
    assert peer.connection_count == 1
    assert peer.requests[1].startswith(b"POST /hooks/?n=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert peer.requests[1].endswith(b"\r\n\r\n{}")


def test_chunks_and_interim_answers_are_read() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK
    _, found = post(chunked, interim, b"HTTP/1.1 204 No Content\r\n\r\n")
    assert found == [(200, b"{}"), (200, b"{}"), (204, b"")]


def test_a_closed_connection_is_replaced() -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    peer, found = post(closing, OK, None, OK)
    assert found[:2] == [(200, b"{}")] * 2
    assert isinstance(found[2], PostError)
    assert found[3] == (200, b"{}")
    assert peer.connection_count == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
    ],
)
def test_what_is_no_proper_answer_is_an_error(answer: bytes) -> None:
    _, found = post(answer, OK)
    assert isinstance(found[0], PostError)
    assert found[1] == (200, b"{}")


def test_nobody_there_is_an_error() -> None:
    async def play() -> None:
        await Poster("http://127.0.0.1:9/hooks/").post("n=1", b"{}")

    with pytest.raises(OSError, match="onnect"):
        asyncio.run(play())
