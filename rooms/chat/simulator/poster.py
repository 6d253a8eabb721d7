"""Post small bodies over kept-alive HTTP/1.1 connections, thousands a second.

A general client spends more time on one webhook than the simulator on everything else, and would make the
simulator the bottleneck of a load test; this one knows just what a webhook needs.
"""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

import httptools

IDLE_SECONDS = 4.0
MAX_ANSWER = 64 * 1024


class PostError(Exception):
    """No answer: refused, closed, or not HTTP."""


class _Connection(asyncio.Protocol):
    """One connection with one request under way at most."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.is_reusable = True
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def is_open(self) -> bool:
        return self.is_reusable and self._transport is not None and not self._transport.is_closing()

    async def post(self, request: bytes) -> tuple[int, bytes]:
        """HTTP status and body; a cancelled wait closes the connection."""
        assert self._transport is not None
        self._chunks, self._size = [], 0
        self._parser = httptools.HttpResponseParser(self)
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._transport.write(request)
            return await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            self._answer = None

    def close(self) -> None:
        self.is_reusable = False
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no asyncio.Transport, so there is nothing to check here.
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_ANSWER:
            self._fail("the answer is too long")
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("the answer is not HTTP")

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_reusable = False
        self._fail(f"the connection was closed ({exc})" if exc else "the connection was closed")

    # httptools

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return
        self.is_reusable = self.is_reusable and self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, b"".join(self._chunks)))

    def _fail(self, text: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(PostError(text))


class Poster:
    """A pool of connections to one address."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._ssl else 80)
        self._path = parts.path or "/"
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._head = f"Host: {host}:{self._port}\r\nContent-Type: application/json\r\n"
        self._idle: list[_Connection] = []

    async def post(self, query: str, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body of the answer; raises PostError or OSError without one."""
        head = f"POST {self._path}?{query} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
        connection = self._take() or await self._connect()
        answer = await connection.post(head.encode("ascii") + body)
        if connection.is_open:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> _Connection | None:
        """The connection used last, if it is still good; older ones than its idle time are closed."""
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and connection.idle_since >= oldest:
                return connection
            connection.close()
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self._host, self._port, ssl=self._ssl)
        return connection
