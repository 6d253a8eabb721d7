"""The little of HTTP the simulator needs over bare ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
MAX_DISCARDED = 8 * 1024 * 1024
# Fewer brackets than this cannot be nested beyond what orjson writes (254).
SHALLOW = 200


def read_json(raw: bytes) -> object:
    """The value of a JSON text; raises ValueError also for one nested too deeply to be passed on."""
    value: object = orjson.loads(raw)
    if raw.count(b"[") + raw.count(b"{") > SHALLOW:
        try:
            orjson.dumps([[[[[[[[value]]]]]]]])
        except TypeError as error:
            raise ValueError("nested too deeply") from error
    return value


class BodyTooLargeError(Exception):
    """The body is longer than the limit; it was read to the end (or far enough) and thrown away."""


@dataclass(slots=True)
class Request:
    """One HTTP request with its ASGI channels."""

    scope: Scope
    receive: Receive
    send: Send

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def segments(self) -> list[str]:
        """The path, split before it is decoded: a group id may hold a slash."""
        raw = self.scope.get("raw_path") or str(self.scope["path"]).encode()
        return [unquote(part) for part in bytes(raw).decode("ascii", "replace").strip("/").split("/")]

    @property
    def client_ip(self) -> str:
        client = self.scope.get("client")
        return str(client[0]) if client else "127.0.0.1"

    def query(self) -> dict[str, str]:
        """The first value of each key; raises ValueError for a query with too many."""
        raw = bytes(self.scope.get("query_string", b"")).decode("latin-1")
        found: dict[str, str] = {}
        for key, value in parse_qsl(raw, keep_blank_values=True, max_num_fields=50):
            found.setdefault(key, value)
        return found

    async def body(self, limit: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError("the caller went away")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
            else:
                chunks.clear()
            if not message.get("more_body") or size > MAX_DISCARDED:
                break
        if size > limit:
            raise BodyTooLargeError
        return b"".join(chunks)

    async def respond(
        self, status: int, body: bytes, content_type: str, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", content_type.encode()),
                    (b"content-length", str(len(body)).encode()),
                    *headers,
                ],
            }
        )
        await self.send({"type": "http.response.body", "body": body})

    async def json(self, value: object, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        await self.respond(status, orjson.dumps(value), "application/json", headers)

    async def hang_up(self) -> None:
        """Close the connection without an answer."""
        transport = getattr(getattr(self.send, "__self__", None), "transport", None)
        # uvloop's transports are no asyncio.Transport.
        abort = getattr(transport, "abort", None)
        if callable(abort):
            abort()
        while (await self.receive())["type"] != "http.disconnect":
            pass
