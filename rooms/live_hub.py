"""`GET /live/?topics=room:12,wall`: server-sent events, one reader and one rendering per process for all who watch.

The stream in Redis gives every event its id, so a browser that comes back with `Last-Event-ID` gets what it missed;
where that is no longer known it gets `reset` and reloads its panels. Plain asyncio; the database is only touched in
threads. May import live; never services or views.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import close_old_connections
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from django.utils import translation
from redis import RedisError
from redis.asyncio import Redis as AsyncRedis

from rooms import live, redis

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 15.0
RECHECK_SECONDS: Final = 60.0
# The pause in which events gather, so that bursts are rendered and sent together.
GATHER_SECONDS: Final = 0.1
TOPIC_LIMIT: Final = 120
QUEUE_LIMIT: Final = 2000
_RESET: Final = b"event: reset\ndata: {}\n\n"
_HEARTBEAT: Final = b": still here\n\n"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Published:
    """One entry of the live stream."""

    id: bytes
    topic: str
    event: str
    payload: bytes

    @property
    def order(self) -> tuple[int, int]:
        return _order(self.id)


@dataclass(eq=False, slots=True)
class Watcher:
    """One browser's connection. `since` is the position from which live events belong to it."""

    topics: frozenset[str]
    language: str
    since: tuple[int, int]
    frames: "asyncio.Queue[bytes]" = field(default_factory=lambda: asyncio.Queue(QUEUE_LIMIT))

    def offer(self, frame: bytes) -> None:
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            while not self.frames.empty():
                self.frames.get_nowait()
            self.frames.put_nowait(_RESET)

    def put_before(self, missed: list[bytes]) -> None:
        """Put frames ahead of those that gathered meanwhile."""
        gathered: list[bytes] = []
        while not self.frames.empty():
            gathered.append(self.frames.get_nowait())
        for frame in (*missed, *gathered):
            self.offer(frame)


class Hub:
    """Reads the live stream once for this process and hands rendered frames to its watchers."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._position: tuple[int, int] = (0, 0)
        self._client: AsyncRedis | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def join(self, topics: Iterable[str], language: str, last_id: bytes) -> Watcher:
        """A watcher that misses nothing after `last_id`; empty for a page that was just rendered."""
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_for_ever())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), timeout=2)
        watcher = Watcher(frozenset(topics), language, self._position)
        self._watchers.add(watcher)
        try:
            missed = await self._missed(watcher, last_id)
        except (RedisError, OSError):
            missed = [_RESET]
        watcher.put_before(missed)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        if self._client is not None:
            await self._client.aclose()

    async def _missed(self, watcher: Watcher, last_id: bytes) -> list[bytes]:
        """The frames between `last_id` and what the watcher gets live, which gathers in its queue meanwhile."""
        if not last_id:
            return []
        client = self._connected()
        first: Any = await client.xrange(redis.LIVE_STREAM, count=1)
        newest: Any = await client.xrevrange(redis.LIVE_STREAM, count=1)
        length = await client.xlen(redis.LIVE_STREAM)
        seen = _order(last_id)
        is_trimmed = not first or (length >= live.STREAM_LENGTH and _order(first[0][0]) > seen)
        if is_trimmed or seen > _order(newest[0][0]):
            return [_RESET]
        if seen >= watcher.since:
            # The page is ahead of this process' reader by a moment: what it shows already is not sent again.
            watcher.since = seen
            return []
        end = _text_id(watcher.since)
        entries: Any = await client.xrange(redis.LIVE_STREAM, min=b"(" + last_id, max=end)
        missed = [entry for entry in map(_published, entries) if entry.topic in watcher.topics]
        frames: list[bytes] = []
        for entry in _without_outdated(missed):
            frames += (await self._render(entry, {watcher.language})).values()
        return frames

    async def _read_for_ever(self) -> None:
        while True:
            try:
                await self._read()
            except (RedisError, OSError) as error:
                logger.warning("live stream unreachable: %s", type(error).__name__)
                await asyncio.sleep(1)

    async def _read(self) -> None:
        client = self._connected()
        newest: Any = await client.xrevrange(redis.LIVE_STREAM, count=1)
        if self._position == (0, 0) or not newest:
            self._position = _order(newest[0][0]) if newest else (0, 0)
        self._ready.set()
        while True:
            cursor = _text_id(self._position)
            answer: Any = await client.xread({redis.LIVE_STREAM: cursor}, count=1000, block=2000)
            entries = [_published(item) for _, items in answer or [] for item in items]
            if not entries:
                continue
            self._position = entries[-1].order
            for entry in _without_outdated(entries):
                await self._fan_out(entry)
            await asyncio.sleep(GATHER_SECONDS)

    async def _fan_out(self, entry: Published) -> None:
        watchers = [w for w in self._watchers if entry.topic in w.topics and entry.order > w.since]
        if not watchers:
            return
        frames = await self._render(entry, {watcher.language for watcher in watchers})
        for watcher in watchers:
            if frame := frames.get(watcher.language):
                watcher.offer(frame)

    async def _render(self, entry: Published, languages: set[str]) -> dict[str, bytes]:
        renderer = live.renderer(entry.event)
        if renderer is None:
            return {}
        return await asyncio.to_thread(_render_frames, renderer, entry, languages)

    def _connected(self) -> AsyncRedis:
        if self._client is None:
            self._client = redis.async_client()
        return self._client


class LiveEndpoint:
    """The ASGI front of the hub."""

    def __init__(
        self, hub: Hub, *, heartbeat_seconds: float = HEARTBEAT_SECONDS, recheck_seconds: float = RECHECK_SECONDS
    ) -> None:
        self._hub = hub
        self._heartbeat_seconds, self._recheck_seconds = heartbeat_seconds, recheck_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _request(scope)
        query = parse_qs(scope["query_string"].decode("ascii", "replace"))
        topics = [topic for topic in query.get("topics", [""])[0].split(",") if topic][:TOPIC_LIMIT]
        last_id = request.META.get("HTTP_LAST_EVENT_ID") or query.get("last_event_id", [""])[0]
        allowed = await asyncio.to_thread(_allowed_topics, request, topics)
        if not allowed or len(allowed) < len(set(topics)):
            await _refuse(send, 401 if allowed is None else 403)
            return
        watcher = await self._hub.join(allowed, _language(request), _clean_id(last_id))
        try:
            await self._stream(watcher, request, receive, send)
        finally:
            self._hub.leave(watcher)

    async def _stream(self, watcher: Watcher, request: HttpRequest, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _push(send, b"retry: 1500\n: welcome\n\n")
        gone = asyncio.create_task(_disconnected(receive))
        checked_at = time.monotonic()
        try:
            while not gone.done():
                frame = await self._next_frame(watcher, gone)
                await _push(send, frame or _HEARTBEAT)
                if time.monotonic() - checked_at > self._recheck_seconds:
                    checked_at = time.monotonic()
                    if await asyncio.to_thread(_allowed_topics, request, watcher.topics) != set(watcher.topics):
                        break
            await send({"type": "http.response.body", "body": b""})
        except OSError:
            pass
        finally:
            gone.cancel()

    async def _next_frame(self, watcher: Watcher, gone: "asyncio.Task[None]") -> bytes:
        """All frames that are ready, joined; empty after a quiet heartbeat interval or when the browser left."""
        getter = asyncio.create_task(watcher.frames.get())
        await asyncio.wait({getter, gone}, timeout=self._heartbeat_seconds, return_when=asyncio.FIRST_COMPLETED)
        if not getter.done():
            getter.cancel()
            return b""
        frames = [getter.result()]
        while not watcher.frames.empty():
            frames.append(watcher.frames.get_nowait())
        return b"".join(frames)


def _render_frames(renderer: live.Renderer, entry: Published, languages: set[str]) -> dict[str, bytes]:
    try:
        payload = orjson.loads(entry.payload)
        frames: dict[str, bytes] = {}
        for language in languages:
            with translation.override(language):
                swaps = renderer.render(entry.topic, payload)
            data = orjson.dumps([swap.as_data(entry.topic) for swap in swaps])
            frames[language] = b"id: %s\nevent: live\ndata: %s\n\n" % (entry.id, data)
        return frames
    except Exception:
        logger.exception("live event %s could not be rendered", entry.event)
        return {}
    finally:
        close_old_connections()


def _without_outdated(entries: list[Published]) -> list[Published]:
    """In order, without state events that a later equal one of the same batch makes pointless."""
    last: dict[tuple[str, str, bytes], int] = {}
    for index, entry in enumerate(entries):
        last[(entry.topic, entry.event, entry.payload)] = index
    kept: list[Published] = []
    for index, entry in enumerate(entries):
        renderer = live.renderer(entry.event)
        is_outdated = (
            renderer is not None and renderer.is_state and last[(entry.topic, entry.event, entry.payload)] > index
        )
        if not is_outdated:
            kept.append(entry)
    return kept


def _published(item: tuple[bytes, dict[bytes, bytes]]) -> Published:
    entry_id, fields = item
    return Published(entry_id, fields[b"topic"].decode(), fields[b"event"].decode(), fields[b"payload"])


def _order(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, serial = entry_id.partition(b"-")
    return int(milliseconds), int(serial or 0)


def _text_id(order: tuple[int, int]) -> str:
    return f"{order[0]}-{order[1]}"


def _clean_id(text: str) -> bytes:
    """A stream id as the browser gave it back, or empty when it is none of ours."""
    milliseconds, _, serial = text.partition("-")
    is_id = text.isascii() and milliseconds.isdigit() and serial.isdigit() and len(text) <= 40
    return text.encode() if is_id else b""


def _request(scope: Scope) -> HttpRequest:
    """As much of a request as sessions and language choice need."""
    request = HttpRequest()
    for name, value in scope["headers"]:
        request.META["HTTP_" + name.decode("latin-1").upper().replace("-", "_")] = value.decode("latin-1")
    request.COOKIES = parse_cookie(request.META.get("HTTP_COOKIE", ""))
    return request


def _allowed_topics(request: HttpRequest, topics: Iterable[str]) -> set[str] | None:
    """Those of the topics the user may watch; None for somebody who is not signed in."""
    try:
        user = _user(request)
        if not user.is_authenticated:
            return None
        return {topic for topic in topics if live.may_watch(user, topic)}
    finally:
        close_old_connections()


def _user(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    engine = import_module(settings.SESSION_ENGINE)
    request.session = engine.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return get_user(request)


def _language(request: HttpRequest) -> str:
    return translation.get_language_from_request(request)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _push(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
