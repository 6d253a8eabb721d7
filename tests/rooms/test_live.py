"""Live updates end to end: Redis, hub, uvicorn, one HTTP connection for each browser."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

import httpx
import orjson
import pytest
import uvicorn
from django.conf import settings
from django.contrib.sessions.models import Session

from rooms import live, redis
from rooms.live import Swap
from rooms.live_hub import Hub, LiveEndpoint, Watcher
from rooms.models import Room, User
from tests.factories import make_client, make_room
from tests.rooms.simulator_stage import served
from tests.services import Service, eventually

pytestmark = pytest.mark.django_db(transaction=True)


class _Site:
    """A web process that serves nothing but `/live/`."""

    def __init__(self) -> None:
        self.hub = Hub()
        self._endpoint = LiveEndpoint(self.hub, heartbeat_seconds=0.3, recheck_seconds=0.3)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._endpoint(scope, receive, send)
            return
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await self.hub.close()
        await send({"type": "lifespan.shutdown.complete"})


@pytest.fixture
def site() -> Iterator[str]:
    application = _Site()

    def build(_: object) -> uvicorn.Server:
        config = uvicorn.Config(application, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        return uvicorn.Server(config)

    with served(build) as url:
        yield url


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the events `number` (each counts) and `state` (the newest counts) were rendered for."""
    rendered: list[int] = []

    def render(topic: str, payload: live.Payload) -> list[Swap]:
        rendered.append(payload["n"])
        return [Swap("number", "text", str(payload["n"]))]

    monkeypatch.setitem(live._renderers, "number", live.Renderer(render, is_state=False))
    monkeypatch.setitem(live._renderers, "state", live.Renderer(render, is_state=True))
    return rendered


class Browser:
    """Reads a live stream in a thread; `numbers` are those of the events so far."""

    def __init__(self, url: str, user: User | None, topics: str, *, last_id: str = "") -> None:
        self.lines: list[str] = []
        self.arrived: dict[int, float] = {}
        self.numbers: list[int] = []
        self.last_id = last_id
        self.is_closed = False
        self.cookies = {}
        if user is not None:
            name = settings.SESSION_COOKIE_NAME
            self.cookies = {name: make_client(user).cookies[name].value}
        self._client = httpx.Client(timeout=10, cookies=self.cookies, trust_env=False, verify=False)
        headers = {"Last-Event-ID": last_id} if last_id else {}
        request = self._client.build_request("GET", f"{url}/live/", params={"topics": topics}, headers=headers)
        self._response = self._client.send(request, stream=True)
        self.status = self._response.status_code
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._response.iter_lines():
                self.lines.append(line)
                if line.startswith("id: "):
                    self.last_id = line[4:]
                if line.startswith("data: ["):
                    self._note([int(swap["html"]) for swap in orjson.loads(line[6:]) if swap["target"] == "number"])
        except httpx.HTTPError:
            pass
        finally:
            self.is_closed = True

    def _note(self, numbers: list[int]) -> None:
        self.arrived.update(dict.fromkeys(numbers, time.monotonic()))
        self.numbers += numbers

    def __enter__(self) -> Self:
        if self.status == 200:
            eventually(lambda: ": welcome" in self.lines)
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()
        self._client.close()


def _publish(room: Room, *numbers: int, event: str = "number") -> None:
    for number in numbers:
        live.publish(room.topic, event, {"n": number})


def _reads_past(browser: Browser, number: int) -> None:
    eventually(lambda: browser.numbers and browser.numbers[-1] > number)


@pytest.fixture
def room(db: None) -> Room:
    return make_room()


def test_an_event_reaches_everybody_who_watches_within_a_second(
    site: str, renders: list[int], room: Room, operator: User, moderator: User
) -> None:
    with Browser(site, operator, room.topic) as first, Browser(site, moderator, f"{room.topic},wall") as second:
        published_at = time.monotonic()
        _publish(room, 1)
        eventually(lambda: first.numbers == [1] and second.numbers == [1])

    assert max(first.arrived[1], second.arrived[1]) - published_at < 1.0


def test_many_watchers_cost_one_rendering(site: str, renders: list[int], room: Room, operator: User) -> None:
    watchers = [Browser(site, operator, room.topic) for _ in range(12)]
    for watcher in watchers:
        watcher.__enter__()

    _publish(room, 1, 2)
    eventually(lambda: all(watcher.numbers == [1, 2] for watcher in watchers))

    assert renders == [1, 2]
    for watcher in watchers:
        watcher.__exit__()


def test_what_nobody_watches_is_not_rendered(site: str, renders: list[int], room: Room, operator: User) -> None:
    with Browser(site, operator, make_room().topic) as elsewhere, Browser(site, operator, "wall") as wall:
        _publish(room, 1)
        live.publish("wall", "number", {"n": 2})
        eventually(lambda: wall.numbers == [2])

    assert elsewhere.numbers == []
    assert renders == [2]


def test_of_a_burst_of_states_only_the_newest_equal_one_is_rendered(
    site: str, renders: list[int], room: Room, operator: User
) -> None:
    with Browser(site, operator, room.topic) as browser:
        pipeline = redis.connection().pipeline()
        for number in (1, 1, 1, 2, 1):
            fields: dict[Any, Any] = {"topic": room.topic, "event": "state", "payload": orjson.dumps({"n": number})}
            pipeline.xadd(redis.LIVE_STREAM, fields)
        pipeline.execute()
        eventually(lambda: browser.numbers == [2, 1])

    assert renders == [2, 1]


def test_who_comes_back_gets_what_was_missed_once_and_in_order_while_events_flow(
    site: str, renders: list[int], room: Room, operator: User
) -> None:
    is_over = threading.Event()
    published: list[int] = []

    def flow() -> None:
        while not is_over.wait(0.002):
            published.append(len(published) + 1)
            _publish(room, published[-1])

    flowing = threading.Thread(target=flow)
    seen: list[int] = []
    with Browser(site, operator, room.topic) as browser:
        flowing.start()
        eventually(lambda: len(browser.numbers) > 20)
    for _ in range(6):
        seen += browser.numbers
        with Browser(site, operator, room.topic, last_id=browser.last_id) as browser:
            _reads_past(browser, len(published))
    is_over.set()
    flowing.join(10)
    seen += browser.numbers

    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 60


def test_a_page_that_is_ahead_of_the_reader_is_not_told_to_reload(
    site: str, renders: list[int], room: Room, operator: User
) -> None:
    with Browser(site, operator, room.topic):
        _publish(room, 1)
        position = live.position()
        with Browser(site, operator, room.topic, last_id=position) as browser:
            _publish(room, 2)
            eventually(lambda: browser.numbers == [2])

    assert "event: reset" not in browser.lines


@pytest.mark.parametrize("last_id", ["1-1", "99999999999999-0"])
def test_who_comes_back_too_late_is_told_to_reload(
    last_id: str, site: str, renders: list[int], room: Room, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STREAM_LENGTH", 100)
    _publish(room, *range(400))

    with Browser(site, operator, room.topic, last_id=last_id) as browser:
        eventually(lambda: "event: reset" in browser.lines)
        _publish(room, 1000)
        eventually(lambda: browser.numbers == [1000])


def test_a_watcher_that_does_not_keep_up_is_told_to_reload() -> None:
    async def overflow() -> list[bytes]:
        watcher = Watcher(frozenset(), "en", (0, 0), asyncio.Queue(3))
        for number in range(5):
            watcher.offer(b"%d" % number)
        return [watcher.frames.get_nowait() for _ in range(watcher.frames.qsize())]

    assert asyncio.run(overflow()) == [b"event: reset\ndata: {}\n\n", b"4"]


@pytest.mark.parametrize(
    ("role", "topics", "status"),
    [
        (None, "wall", 401),
        (None, "", 401),
        ("operator", "wall", 200),
        ("operator", "", 403),
        ("operator", "room:999999", 403),
        ("operator", "room:1 OR 1=1", 403),
        ("operator", "room:" + "9" * 40, 403),
        ("operator", "wall:1", 403),
        ("operator", "secrets", 403),
        ("anchor", "wall", 403),
        ("anchor", "room:own", 200),
        ("anchor", "feed:own", 200),
        ("anchor", "room:own,wall", 403),
        ("other_anchor", "room:own", 403),
        ("other_anchor", "feed:own", 403),
        ("finance", "room:own", 200),
        ("finance", "feed:own", 403),
        ("nobody", "room:own", 403),
        ("nobody", "wall", 403),
    ],
)
def test_topics_are_watched_by_who_may(
    role: str | None, topics: str, status: int, site: str, anchor: User, request: pytest.FixtureRequest
) -> None:
    room = make_room(anchor=anchor)
    user = request.getfixturevalue(role) if role else None

    with Browser(site, user, topics.replace("own", str(room.pk))) as browser:
        assert browser.status == status


def test_a_cookie_of_no_session_is_nobody(site: str) -> None:
    answer = httpx.get(f"{site}/live/?topics=wall", cookies={settings.SESSION_COOKIE_NAME: "stolen"}, timeout=5)

    assert answer.status_code == 401


def test_a_quiet_connection_beats_and_ends_with_the_session(site: str, room: Room, operator: User) -> None:
    with Browser(site, operator, room.topic) as browser:
        eventually(lambda: browser.lines.count(": still here") >= 2)
        assert not browser.is_closed
        Session.objects.all().delete()
        eventually(lambda: browser.is_closed, seconds=5)


def test_a_right_that_is_taken_away_ends_the_connection(site: str, room: Room, operator: User) -> None:
    with Browser(site, operator, room.topic) as browser:
        operator.groups.clear()
        eventually(lambda: browser.is_closed, seconds=5)


def test_a_renderer_that_fails_takes_nobody_with_it(
    site: str, renders: list[int], room: Room, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(topic: str, payload: live.Payload) -> list[Swap]:
        raise RuntimeError("no template")

    monkeypatch.setitem(live._renderers, "broken", live.Renderer(fail, is_state=False))

    with Browser(site, operator, room.topic) as browser:
        _publish(room, 1, event="broken")
        _publish(room, 2, event="unheard")
        _publish(room, 3)
        eventually(lambda: browser.numbers == [3])


def test_live_goes_on_after_redis_was_away(
    site: str, renders: list[int], room: Room, operator: User, redis_server: Service
) -> None:
    with Browser(site, operator, room.topic) as browser:
        _publish(room, 1)
        eventually(lambda: browser.numbers == [1])
        redis_server.stop()
        redis_server.start()

        def published() -> bool:
            _publish(room, 2)
            return 2 in browser.numbers

        eventually(published, seconds=15)


def test_publishing_without_redis_is_logged_and_nothing_else_suffers(
    room: Room, redis_server: Service, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.kill()

    _publish(room, 1)

    assert "not published" in caplog.text


def test_the_whole_web_process_streams_too(server: Service, room: Room, operator: User) -> None:
    with Browser(server.url, operator, room.topic) as browser:
        live.publish(room.topic, "commands", {"room": room.pk})
        eventually(lambda: "event: live" in browser.lines)
