import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from rooms import deliveries
from rooms.chat import protocol
from rooms.models import Room
from stats.models import RoomMinute
from stats.rollups import Increment, add_minutes
from tests.factories import make_room
from tests.rooms.callbacks import entry, message_body, message_entry, presence_body

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def room(db: None) -> Room:
    return make_room(group_id="room_1")


def _minutes(room: Room) -> dict[datetime, tuple[int, int, int, int]]:
    return {
        row.minute: (row.before_count, row.message_count, row.join_count, row.exit_count)
        for row in RoomMinute.objects.filter(room=room)
    }


@pytest.mark.django_db
def test_everything_is_counted_in_the_minute_of_its_own_time(room: Room) -> None:
    at = NOON.timestamp()
    before = {**message_body("room_1", 0, at=at + 59.9), "MsgSeq": None}
    deliveries.store_and_handle(
        [
            message_entry("room_1", 1, at=at),
            message_entry("room_1", 2, at=at + 59.9),
            message_entry("room_1", 3, at=at + 60),
            entry(protocol.BEFORE_SEND, before),
            entry(protocol.JOINED, presence_body(protocol.JOINED, "room_1", "amy", "bob", at=at + 61)),
            entry(protocol.EXITED, presence_body(protocol.EXITED, "room_1", "amy", at=at + 62)),
        ]
    )

    assert _minutes(room) == {NOON: (1, 2, 0, 0), NOON + timedelta(minutes=1): (0, 1, 2, 1)}


@pytest.mark.django_db
def test_a_repeated_callback_is_counted_once(room: Room) -> None:
    same = message_entry("room_1", 1, at=NOON.timestamp())

    for _ in range(3):
        deliveries.store_and_handle([same, same])

    assert _minutes(room) == {NOON: (0, 1, 0, 0)}


@pytest.mark.django_db
def test_increments_add_up_and_rooms_stay_apart(room: Room) -> None:
    other = make_room()
    for _ in range(3):
        add_minutes({(room.pk, NOON): Increment(message_count=2), (other.pk, NOON): Increment(join_count=1)})
    add_minutes({})

    assert _minutes(room) == {NOON: (0, 6, 0, 0)}
    assert _minutes(other) == {NOON: (0, 0, 3, 0)}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_no_two_writers_lose_a_count() -> None:
    rooms = [make_room() for _ in range(3)]

    def write() -> None:
        try:
            for _ in range(20):
                add_minutes({(room.pk, NOON): Increment(message_count=1) for room in rooms})
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert set(RoomMinute.objects.values_list("message_count", flat=True)) == {80}
