"""Forty messages a second and group: what is over is dropped silently, higher priority first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rooms.chat.simulator.frequency import MessagePlaces, SlidingSecond
from tests.rooms.simulator_stage import Stage, stage

BEFORE = "Group.CallbackBeforeSendMsg"
AFTER = "Group.CallbackAfterSendMsg"


@pytest.fixture(scope="module")
def shared() -> Iterator[Stage]:
    with stage() as found:
        yield found


@pytest.fixture
def chat(shared: Stage) -> Iterator[Stage]:
    shared.room()
    shared.sim("POST", "clock", {"speed": 0})
    yield shared
    shared.reset()


def test_the_forty_first_message_is_dropped_silently(chat: Stage) -> None:
    replies = [chat.send(Random=number) for number in range(50)]
    assert {reply["ErrorCode"] for reply in replies} == {0}
    assert [reply.get("MsgDropReason") for reply in replies] == [None] * 40 + ["MsgFreqCtrl"] * 10
    shown = chat.shown()
    assert len(shown["messages"]) == 40
    assert shown["tally"]["dropped_by_frequency"] == 10
    assert len(chat.receiver.wait(BEFORE, 50)) == 50
    chat.sim("POST", "clock", {"advance": 1.1})
    last = chat.send(Random=100)
    assert "MsgDropReason" not in last
    assert [one["body"]["MsgSeq"] for one in chat.receiver.wait(AFTER, 41)][-1] == last["MsgSeq"] == 41


def test_a_dropped_viewer_is_told_success(chat: Stage) -> None:
    chat.set(group_messages_per_second=1, exception_on_frequency_drop=True)
    chat.join("viewer_1")
    assert chat.speak("viewer_1")["delivered"] is True
    assert chat.speak("viewer_1") == {"delivered": False, "code": 0, "info": "", "seq": None}
    assert chat.receiver.wait("Group.CallbackSendMsgException")[0]["body"]["ErrorCode"] == 10023


def test_a_higher_priority_takes_the_next_place(chat: Stage) -> None:
    chat.set(group_messages_per_second=2)
    for number in range(2):
        chat.send(Random=number, MsgPriority="Low")
    assert chat.send(Random=10, MsgPriority="Low")["MsgDropReason"] == "MsgFreqCtrl"
    # The clock of this test stands still; the wait itself is real.
    assert "MsgDropReason" not in chat.send(Random=11, MsgPriority="High")
    chat.set(overload_hold_seconds=0.0)
    assert chat.send(Random=12, MsgPriority="High")["MsgDropReason"] == "MsgFreqCtrl"


def test_system_notifications_are_exempt(chat: Stage) -> None:
    chat.set(group_messages_per_second=1)
    chat.send(Random=1)
    for _ in range(3):
        assert chat.group("send_group_system_notification", GroupId="room_1", Content="note")["ErrorCode"] == 0
    assert chat.shown()["tally"]["system_notifications"] == 3


def test_groups_do_not_share_their_second(chat: Stage) -> None:
    chat.set(group_messages_per_second=1)
    chat.room("room_2")
    assert "MsgDropReason" not in chat.send("room_1", Random=1)
    assert "MsgDropReason" not in chat.send("room_2", Random=1)


def test_no_second_ever_holds_more_than_the_limit() -> None:
    places, given = MessagePlaces(), []
    for step in range(2000):
        now = step * 0.013
        priority = ("Low", "Normal", "High", "Low", "Normal")[step % 5]
        wait = places.book(now, priority, limit=40, hold=1.0)
        if wait is not None:
            given.append((now + wait, priority))
    times = sorted(at for at, _ in given)
    assert all(later - earlier >= 1.0 - 1e-9 for earlier, later in zip(times, times[40:], strict=False))
    assert len(times) >= 0.95 * 40 * 26
    high_count = sum(priority == "High" for _, priority in given)
    assert high_count == 400


def test_a_full_second_of_high_drops_high() -> None:
    places = MessagePlaces()
    waits = [places.book(0.0, "High", limit=40, hold=1.0) for _ in range(45)]
    assert waits == [0.0] * 40 + [None] * 5
    assert places.book(0.5, "Low", limit=40, hold=1.0) is None
    assert places.book(1.0, "Low", limit=40, hold=1.0) == 0.0


def test_only_what_fits_is_counted() -> None:
    window = SlidingSecond()
    assert [window.take(0.0, 2) for _ in range(3)] == [True, True, False]
    assert window.take(1.0, 2) is True
