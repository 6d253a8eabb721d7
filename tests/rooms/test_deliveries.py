import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connection

from rooms import deliveries, dispatch, redis
from rooms.chat import protocol
from rooms.dispatch import Batch, Event
from rooms.models import Message, Room, WebhookDelivery
from tests.factories import make_room
from tests.rooms.callbacks import entry, message_body, message_entry

State = WebhookDelivery.State


@pytest.fixture
def hostile_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Besides the real handlers one that cannot bear the word "poison"."""

    def handle(batch: Batch, events: list[Event]) -> None:
        for event in events:
            if "poison" in str(event.callback):
                raise ValueError("this was poisoned\x00")

    monkeypatch.setattr(dispatch, "_handlers", [*dispatch._handlers, (frozenset([protocol.AFTER_SEND]), handle)])


def _states() -> list[str]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("state", flat=True))


@pytest.mark.django_db
def test_a_batch_is_stored_once_and_in_order() -> None:
    room = make_room(group_id="room_1")
    entries = [message_entry("room_1", seq, f"text {seq}") for seq in (3, 1, 2, 3)]

    assert deliveries.store_and_handle(entries) == 3
    assert deliveries.store_and_handle(entries) == 0

    stored = Message.objects.filter(room=room)
    assert list(stored.order_by("pk").values_list("seq", flat=True)) == [3, 1, 2]
    room.refresh_from_db()
    assert room.message_count == 3


@pytest.mark.django_db
def test_the_raw_body_is_kept_as_it_came() -> None:
    raw = '{"GroupId":"room_1","EventTime":1767240095402,"Text":"a\\u0000 你好"}'.encode()

    deliveries.store_and_handle([entry("Group.New", raw, received_at=1767240096.25)])

    delivery = WebhookDelivery.objects.get()
    assert delivery.body.encode() == raw
    assert delivery.group_id == "room_1"
    assert delivery.event_at == datetime(2026, 1, 1, 4, 1, 35, 402000, UTC)
    assert delivery.received_at == datetime(2026, 1, 1, 4, 1, 36, 250000, UTC)


@pytest.mark.django_db
def test_one_bad_callback_is_kept_as_failed_and_holds_up_no_other(hostile_handler: None) -> None:
    room = make_room(group_id="room_1")
    entries = [message_entry("room_1", seq, "poison" if seq == 2 else "fine") for seq in (1, 2, 3)]

    assert deliveries.store_and_handle(entries) == 3
    assert deliveries.store_and_handle(entries) == 0

    assert _states() == [State.HANDLED, State.FAILED, State.HANDLED]
    assert WebhookDelivery.objects.get(state=State.FAILED).error == "ValueError: this was poisoned\ufffd"
    assert list(Message.objects.filter(room=room).order_by("seq").values_list("seq", flat=True)) == [1, 3]
    room.refresh_from_db()
    assert room.message_count == 2


@pytest.mark.django_db(transaction=True)
def test_one_bad_callback_among_those_written_straight_to_the_table_holds_up_no_other(hostile_handler: None) -> None:
    room = make_room(group_id="room_1")
    deliveries.store_directly([message_entry("room_1", seq, "poison" if seq == 2 else "fine") for seq in (1, 2, 3)])

    while deliveries.handle_stored():
        pass

    assert _states() == [State.HANDLED, State.FAILED, State.HANDLED]
    assert Message.objects.filter(room=room).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    "raw",
    [
        b'{"GroupId":"room_1","MsgSeq":18446744073709551615,"MsgTime":1,"Random":18446744073709551615}',
        b'{"GroupId":"room_1","MsgSeq":9,"MsgTime":99999999999999,"EventTime":99999999999999999}',
        b'{"GroupId":"room_1","MsgSeq":9,"MsgTime":1,"From_Account":"' + b"a" * 5000 + b'"}',
        b'{"GroupId":"room_1","MsgSeq":9,"MsgTime":1,"MsgPriority":"' + b"H" * 50 + b'"}',
        b'{"GroupId":"room_1","MsgSeq":9,"MsgBody":' + b'{"a":' * 900 + b'"\\u0000"' + b"}" * 901,
        b'{"GroupId":"room_1","MsgSeq":9,"MsgBody":[{"MsgType":' + b"[" * 900 + b'"\\u0000"' + b"]" * 900 + b"}]}",
        b'{"GroupId":"' + b"g" * 5000 + b'","MsgSeq":9}',
        b'{"GroupId":"\\u0000","MsgSeq":9}',
        b'{"GroupId":"room_1","MsgSeq":9,"MsgId":"' + b"i" * 5000 + b'","CloudCustomData":"\\u0000"}',
        b"not even JSON",
        b"[]",
    ],
    ids=lambda raw: raw[:24].decode(),
)
def test_no_body_stops_the_ingest(raw: bytes) -> None:
    room = make_room(group_id="room_1")

    deliveries.store_and_handle([entry(protocol.AFTER_SEND, raw), message_entry("room_1", 1)])

    assert WebhookDelivery.objects.count() == 2
    assert Message.objects.filter(room=room, seq=1).exists()


@pytest.mark.django_db(transaction=True)
def test_a_callback_that_came_both_ways_counts_once() -> None:
    room = make_room(group_id="room_1")
    same = message_entry("room_1", 1)

    deliveries.store_directly([same])
    deliveries.store_directly([same])
    assert deliveries.store_and_handle([same]) == 0
    assert deliveries.handle_stored() == 1
    assert deliveries.handle_stored() == 0

    assert _states() == [State.HANDLED]
    assert Message.objects.filter(room=room).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_dies_half_way_leaves_nothing_and_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    make_room(group_id="room_1")

    def lose_the_database(batch: Batch, events: list[Event]) -> None:
        raise OperationalError("server closed the connection")

    handlers = [*dispatch._handlers, (frozenset([protocol.AFTER_SEND]), lose_the_database)]
    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "_handlers", handlers)
        with pytest.raises(OperationalError):
            deliveries.store_and_handle([message_entry("room_1", 1)])

    assert not WebhookDelivery.objects.exists()
    assert not Message.objects.exists()
    assert Room.objects.get().message_count == 0
    assert _live_events() == []
    assert deliveries.store_and_handle([message_entry("room_1", 1)]) == 1


def _live_events() -> list[str]:
    return [fields[b"event"].decode() for _, fields in redis.connection().xrange(redis.LIVE_STREAM)]


@pytest.mark.django_db(transaction=True)
def test_two_consumers_at_once_store_each_callback_once() -> None:
    room = make_room(group_id="room_1")
    entries = [message_entry("room_1", seq) for seq in range(1, 41)]
    barrier = threading.Barrier(4)
    failures: list[BaseException] = []

    def consume() -> None:
        try:
            barrier.wait(10)
            for start in range(0, 40, 10):
                deliveries.store_and_handle(entries[start : start + 10])
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    _run_threads([consume] * 4)

    assert failures == []
    assert WebhookDelivery.objects.count() == 40
    assert Message.objects.filter(room=room).count() == 40
    room.refresh_from_db()
    assert room.message_count == 40
    assert sum(room.minutes.values_list("message_count", flat=True)) == 40


def _run_threads(targets: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.django_db
def test_the_same_message_in_another_wrapping_counts_once() -> None:
    room = make_room(group_id="room_1")
    first = message_body("room_1", 7, at=1767240120.0)
    again = {**first, "EventTime": first["EventTime"] + 900}

    deliveries.store_and_handle([entry(protocol.AFTER_SEND, first)])
    deliveries.store_and_handle([entry(protocol.AFTER_SEND, again)])

    assert Message.objects.filter(room=room).count() == 1
    assert WebhookDelivery.objects.count() == 1
