import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from django.db import OperationalError, connection

from rooms import deliveries, inbox, redis
from rooms.chat import protocol
from rooms.inbox import Appender, Entry, Reader
from rooms.management.commands.ingest import IngestLoop
from rooms.models import Message, Room, WebhookDelivery
from rooms.webhooks import ChatWebhooks
from tests.factories import make_room
from tests.rooms.callbacks import entry, message_entry, signed_query
from tests.services import Service, eventually


def _read(reader: Reader, limit: int = 100) -> list[Entry]:
    reads = reader.read(limit=limit, block_milliseconds=1) or reader.read(limit=limit, block_milliseconds=1)
    return [item for read in reads for item in read.entries]


def test_an_entry_survives_the_stream_byte_for_byte() -> None:
    odd = Entry("Group.X", "", "1767240095", 10101, 1767240095.123456, b'\n{"a":"\n\n\\u0000"}\n')

    assert Entry.decode(odd.encode()) == odd


def test_entries_come_out_in_the_order_they_went_in() -> None:
    entries = [message_entry("room_1", seq) for seq in range(50)]

    inbox.append(entries[:20])
    inbox.append(entries[20:])

    assert _read(Reader()) == entries
    assert inbox.waiting_count() == 2


def test_what_was_read_and_not_acknowledged_is_read_again_after_a_crash() -> None:
    inbox.append([message_entry("room_1", 1)])
    inbox.append([message_entry("room_1", 2)])
    first = Reader()
    held = _read(first)
    assert len(held) == 2
    assert _read(first) == []

    assert _read(Reader()) == held

    first.rewind()
    assert _read(first) == held


def test_what_was_acknowledged_is_gone() -> None:
    inbox.append([message_entry("room_1", 1)])
    reader = Reader()
    reads = reader.read(limit=10, block_milliseconds=1) or reader.read(limit=10, block_milliseconds=1)

    reader.acknowledge(reads)

    assert inbox.waiting_count() == 0
    assert _read(Reader()) == []


@pytest.mark.asyncio
async def test_appends_of_one_moment_leave_together_and_in_order() -> None:
    appender = Appender()
    entries = [message_entry("room_1", seq) for seq in range(100)]

    await asyncio.gather(*(appender.append(item) for item in entries))
    await appender.close()

    assert inbox.waiting_count() < 5
    assert await asyncio.to_thread(_read, Reader()) == entries


@pytest.mark.asyncio
async def test_a_caller_that_goes_away_takes_no_other_with_it() -> None:
    """Callbacks of one moment share a write; cancelling one request must not fail the rest."""
    front = ChatWebhooks(Appender())
    statuses: list[int] = []

    async def post() -> None:
        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b'{"GroupId":"room_1"}'}

        async def send(message: object) -> None:
            assert isinstance(message, dict)
            if "status" in message:
                statuses.append(message["status"])

        query = signed_query(protocol.AFTER_SEND).encode()
        await front({"type": "http", "method": "POST", "query_string": query}, receive, send)

    tasks = [asyncio.create_task(post()) for _ in range(10)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task

    assert statuses == [200] * 9


@pytest.mark.asyncio
async def test_an_appender_finds_redis_again_after_it_was_gone(redis_server: Service) -> None:
    appender = Appender()
    await appender.append(message_entry("room_1", 1))
    redis_server.kill()
    with pytest.raises(Exception, match=r".*"):
        await appender.append(message_entry("room_1", 2))
    await asyncio.to_thread(redis_server.start)

    await appender.append(message_entry("room_1", 3))
    await appender.close()

    assert inbox.waiting_count() >= 1


class _Loop:
    """An ingest loop in a thread of its own, as the process runs it."""

    def __init__(self, **options: int) -> None:
        self.loop = IngestLoop(Reader(), batch=options.get("batch", 500))
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.loop.run()
        connection.close()

    def __enter__(self) -> "_Loop":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


def _is_stored(count: int) -> Callable[[], bool]:
    return lambda: Message.objects.count() == count and inbox.waiting_count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("batch", [1, 7, 500])
def test_ingest_stores_in_batches_and_keeps_each_rooms_order(batch: int) -> None:
    rooms = [make_room(group_id=f"room_{number}") for number in range(3)]
    for seq in range(1, 31):
        inbox.append([message_entry(room.group_id, seq) for room in rooms])

    with _Loop(batch=batch):
        eventually(_is_stored(90))

    for room in rooms:
        assert list(Message.objects.filter(room=room).order_by("pk").values_list("seq", flat=True)) == list(
            range(1, 31)
        )
        assert Room.objects.get(pk=room.pk).message_count == 30


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_locked_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    make_room(group_id="room_1")
    inbox.append([message_entry("room_1", 1)])
    refusals: list[int] = []
    handle_batch = deliveries._handle_batch

    def locked_three_times(received: list[deliveries.Received]) -> int:
        if len(refusals) < 3:
            refusals.append(1)
            raise OperationalError("database is locked")
        return handle_batch(received)

    monkeypatch.setattr(deliveries, "_handle_batch", locked_three_times)
    with _Loop():
        eventually(_is_stored(1))

    assert len(refusals) == 3
    assert Room.objects.get().message_count == 1


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_restarts_loses_nothing(redis_server: Service) -> None:
    make_room(group_id="room_1")
    inbox.append([message_entry("room_1", 1)])
    redis_server.stop()
    deliveries.store_directly([message_entry("room_1", 2)])
    with _Loop():
        redis_server.start()
        inbox.append([message_entry("room_1", 3)])
        eventually(_is_stored(3), seconds=20)


@pytest.mark.django_db(transaction=True)
def test_callbacks_are_handled_from_the_table_while_redis_is_gone(redis_server: Service) -> None:
    make_room(group_id="room_1")
    redis_server.kill()
    deliveries.store_directly([message_entry("room_1", 1)])

    with _Loop():
        eventually(lambda: Message.objects.count() == 1)

    assert WebhookDelivery.objects.get().state == WebhookDelivery.State.HANDLED


@pytest.mark.django_db(transaction=True)
def test_a_stream_that_vanished_is_made_anew() -> None:
    make_room(group_id="room_1")
    with _Loop():
        inbox.append([message_entry("room_1", 1)])
        eventually(_is_stored(1))
        redis.connection().flushdb()
        inbox.append([message_entry("room_1", 2)])
        eventually(_is_stored(2))


def test_an_entry_that_carries_no_message_is_no_obstacle() -> None:
    inbox.append([entry("Group.X", b"")])

    assert [item.raw for item in _read(Reader())] == [b""]
