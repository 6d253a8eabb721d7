"""The stream between the webhook door and the handlers: encode, append, read, acknowledge.

An entry is one callback with what was answered. It is appended before the answer leaves and acknowledged after the
transaction that stored it; in between it may be read any number of times. May import Redis; never models.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import hiredis
from redis import RedisError, ResponseError
from redis.asyncio.connection import AbstractConnection as AsyncConnection

from rooms import redis

GROUP: Final = "ingest"


@dataclass(slots=True)
class Entry:
    """`received_at` is Unix seconds; `request_time` is Chat's own text, for deliveries that carry no other time."""

    command: str
    platform: str
    request_time: str
    decision: int
    received_at: float
    raw: bytes

    def encode(self) -> bytes:
        head = f"{self.command}\n{self.platform}\n{self.request_time}\n{self.decision}\n{self.received_at:.6f}\n"
        return head.encode() + self.raw

    @classmethod
    def decode(cls, blob: bytes) -> "Entry":
        command, platform, request_time, decision, received_at, raw = blob.split(b"\n", 5)
        return cls(command.decode(), platform.decode(), request_time.decode(), int(decision), float(received_at), raw)


class Appender:
    """Appends for one event loop: whatever arrives while a write is under way goes out in the next, in order.

    Works on one bare connection of its own, because at thousands of callbacks a second the client's pool, retries and
    per-command bookkeeping cost more than the append.
    """

    answer_seconds = 1.0

    def __init__(self, connect: Callable[[], AsyncConnection] = redis.async_connection) -> None:
        self._connect = connect
        self._connection: AsyncConnection | None = None
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    def append(self, entry: Entry) -> "asyncio.Future[None]":
        """A future that is done once Redis has the entry; it fails with an exception if that cannot be."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((entry.encode(), done))
        if self._writer is None:
            self._writer = loop.create_task(self._write())
        return done

    async def close(self) -> None:
        if self._writer is not None:
            await self._writer
        await self._drop_connection()

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                try:
                    await self._send([blob for blob, _ in batch])
                except Exception as error:
                    await self._drop_connection()
                    for _, done in batch:
                        if not done.done():
                            done.set_exception(error)
                else:
                    for _, done in batch:
                        if not done.done():
                            done.set_result(None)
        finally:
            self._writer = None

    async def _send(self, blobs: list[bytes]) -> None:
        async with asyncio.timeout(self.answer_seconds):
            if self._connection is None:
                connection = self._connect()
                await connection.connect()  # type: ignore[no-untyped-call]
                self._connection = connection
            packed = hiredis.pack_command(_append_command(blobs))  # type: ignore[arg-type]
            await self._connection.send_packed_command(packed, check_health=False)
            answer = await self._connection.read_response(timeout=math.inf)
        if isinstance(answer, Exception):
            raise answer

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)


def append(entries: list[Entry]) -> None:
    """Append from ordinary threads (the WSGI front, tools and tests)."""
    blobs = [entry.encode() for entry in entries]
    redis.connection().execute_command(*_append_command(blobs))  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Read:
    """One stream entry: its id, to acknowledge, and the callbacks it carries in order."""

    id: bytes
    entries: list[Entry]


class Reader:
    """One consumer of the inbox. After a crash, a consumer of the same name first reads what it had in hand."""

    def __init__(self, consumer: str = "ingest-0") -> None:
        self._consumer = consumer
        self._has_backlog = True

    def read(self, *, limit: int, block_milliseconds: int) -> list[Read]:
        """The next stream entries, oldest first; empty when nothing came within the time."""
        try:
            answer = self._read(limit, block_milliseconds)
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._create_group()
            return []
        if not answer and self._has_backlog:
            self._has_backlog = False
            answer = self._read(limit, block_milliseconds)
        return answer

    def rewind(self) -> None:
        """What was read last was not acknowledged: read it again first."""
        self._has_backlog = True

    def acknowledge(self, reads: list[Read]) -> None:
        """Their transaction has committed: take them out of the stream."""
        ids = [read.id for read in reads]
        pipeline = redis.connection().pipeline(transaction=False)
        pipeline.xack(redis.INBOX_STREAM, GROUP, *ids)
        pipeline.xdel(redis.INBOX_STREAM, *ids)
        pipeline.execute()

    def _read(self, limit: int, block_milliseconds: int) -> list[Read]:
        start = "0" if self._has_backlog else ">"
        answer: Any = redis.connection().xreadgroup(
            GROUP,
            self._consumer,
            {redis.INBOX_STREAM: start},
            count=limit,
            block=None if self._has_backlog else block_milliseconds,
        )
        reads: list[Read] = []
        for _, items in answer or []:
            for entry_id, fields in items:
                reads.append(Read(entry_id, [Entry.decode(blob) for blob in fields.values()]))
        return reads

    def _create_group(self) -> None:
        try:
            redis.connection().xgroup_create(redis.INBOX_STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise


def waiting_count() -> int:
    """Stream entries not yet acknowledged."""
    return int(redis.connection().xlen(redis.INBOX_STREAM))


def _append_command(blobs: list[bytes]) -> tuple[bytes, ...]:
    """One XADD for all of them, as numbered fields: one command to pack and one answer to read."""
    words: list[bytes] = [b"XADD", redis.INBOX_STREAM.encode(), b"*"]
    for index, blob in enumerate(blobs):
        words += (b"%d" % index, blob)
    return tuple(words)
