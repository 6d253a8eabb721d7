"""The courier against the real simulator over HTTP."""

import logging
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from rooms import courier, outbox
from rooms.actors import Actor
from rooms.models import OutboxCommand, Room, User
from rooms.services import lifecycle
from tests.rooms.test_outbox import record
from tests.services import Service, Simulator, eventually

SYSTEM = Actor.of_system("tests")
State = OutboxCommand.State
Call = dict[str, Any]


def deliver_all(limit: int = 200) -> None:
    """Carry out everything that is due, in order, until nothing changes; what is put off stays pending."""
    for _ in range(limit):
        waiting = OutboxCommand.objects.filter(state=State.PENDING, next_attempt_at__lte=timezone.now())
        ids = list(waiting.order_by("pk").values_list("pk", flat=True))
        if not ids:
            return
        for pk in ids:
            courier.deliver(pk)
    raise AssertionError("the outbox does not come to rest")


@pytest.fixture
def room(simulator: Simulator, anchor: User) -> Room:
    """A room whose group exists in the simulator."""
    room = lifecycle.create_room(actor=SYSTEM, title="Evening songs", anchor=anchor, group_id="evening")
    deliver_all()
    room.refresh_from_db()
    assert room.has_group
    return room


def _state(command: OutboxCommand) -> tuple[str, int, int]:
    command.refresh_from_db()
    return command.state, command.attempt_count, command.error_code


def _due_now() -> None:
    OutboxCommand.objects.filter(state=State.PENDING).update(next_attempt_at=timezone.now())


def _sent(simulator: Simulator) -> list[Call]:
    return simulator.calls("send_group_msg")


def test_a_status_reaches_those_inside_those_who_come_later_and_those_outside(room: Room, simulator: Simulator) -> None:
    for step, status in (
        (lifecycle.start_room, "on_live"),
        (lifecycle.pause_room, "paused"),
        (lifecycle.resume_room, "on_live"),
        (lifecycle.end_room, "ended"),
    ):
        step(room, actor=SYSTEM)
        deliver_all()

        group = simulator.group("evening")
        assert group["attributes"]["room_status"] == status
        assert group["attributes"]["room_version"] == str(room.version)
        assert group["profile"]["custom"]["room_status"] == status
        newest = group["messages"][-1]
        assert f'"status":"{status}"' in str(newest)
        assert "High" in str(newest)
    assert set(room.outbox_commands.values_list("state", flat=True)) == {State.APPLIED}


def test_the_created_group_carries_status_and_notice_from_birth(simulator: Simulator, anchor: User) -> None:
    lifecycle.create_room(
        actor=SYSTEM, title="晚会", anchor=anchor, group_id="g1", notification="八点", introduction="Songs"
    )

    deliver_all()

    profile = simulator.group("g1")["profile"]
    assert (profile["name"], profile["owner"], profile["type"]) == ("晚会", anchor.account, "AVChatRoom")
    assert (profile["notification"], profile["introduction"]) == ("八点", "Songs")
    assert profile["custom"] == {"room_status": "to_be_started"}
    assert simulator.group("g1")["attributes"]["room_status"] == "to_be_started"


def test_a_delivered_message_keeps_its_seq(room: Room, simulator: Simulator) -> None:
    command = record(room)

    deliver_all()

    assert _state(command) == (State.APPLIED, 1, 0)
    assert command.message_seq == simulator.messages("evening")[-1]["seq"]
    assert command.settled_at is not None
    assert command.leased_until is None


@pytest.mark.parametrize(("kind", "value"), [("http", 502), ("code", 10002), ("code", 60008), ("code", 91000)])
def test_what_may_pass_is_tried_again_with_the_same_random(
    kind: str, value: int, room: Room, simulator: Simulator
) -> None:
    simulator.fail("send_group_msg", kind, value)
    command = record(room)

    deliver_all()
    state, attempts, code = _state(command)
    assert (state, attempts, code) == (State.PENDING, 1, value if kind == "code" else 0)
    assert command.error_text
    assert 0 < (command.next_attempt_at - timezone.now()).total_seconds() < 2
    _due_now()
    deliver_all()

    assert _state(command) == (State.APPLIED, 2, 0)
    assert command.error_text == ""
    randoms = [call["body"]["Random"] for call in _sent(simulator) if isinstance(call["body"], dict)]
    assert set(randoms) == {command.random}


def test_an_answer_that_is_lost_on_the_way_is_repeated_and_delivered_once(room: Room, simulator: Simulator) -> None:
    simulator.fail("send_group_msg", "drop")
    command = record(room)

    deliver_all()
    _due_now()
    deliver_all()

    assert _state(command)[:2] == (State.APPLIED, 2)
    assert len([message for message in simulator.messages("evening") if "hello" in str(message)]) == 1


@pytest.mark.parametrize("code", [10004, 10007, 10010, 10016, 80001, 70001])
def test_a_refusal_is_final_and_says_why(code: int, room: Room, simulator: Simulator) -> None:
    simulator.fail("send_group_msg", "code", code)
    command = record(room)

    deliver_all()

    assert _state(command) == (State.FAILED, 1, code)
    assert command.error_text
    assert len(_sent(simulator)) == 1


def test_a_retry_by_hand_applies_what_had_failed(room: Room, simulator: Simulator) -> None:
    simulator.fail("send_group_msg", "code", 10016)
    command = record(room)
    deliver_all()

    outbox.retry(command, actor=SYSTEM)
    deliver_all()

    assert _state(command) == (State.APPLIED, 1, 0)


def test_after_enough_attempts_a_command_fails_for_a_person_to_look_at(room: Room, simulator: Simulator) -> None:
    simulator.fail("send_group_msg", "http", 503, times=100)
    command = record(room)

    for _ in range(courier.ATTEMPT_LIMIT):
        _due_now()
        deliver_all()

    assert _state(command)[:2] == (State.FAILED, courier.ATTEMPT_LIMIT)
    assert len(_sent(simulator)) == courier.ATTEMPT_LIMIT


def test_a_group_that_exists_already_counts_as_created(room: Room, simulator: Simulator) -> None:
    Room.objects.filter(pk=room.pk).update(has_group=False)
    simulator.fail("create_group", "code", 10025)
    room.group_id = "evening2"
    command = outbox.record(
        room, call="create_group", payload={"group_id": "evening2", "name": "n", "owner": room.anchor.account},
        label="Create", actor=SYSTEM,
    )  # fmt: skip

    deliver_all()

    assert _state(command)[0] == State.APPLIED
    assert Room.objects.get(pk=room.pk).has_group


def test_a_call_that_cannot_be_built_fails_and_does_not_stop_the_worker(room: Room) -> None:
    command = outbox.record(room, call="send_group_msg", payload={"nonsense": 1}, label="Odd", actor=SYSTEM)

    deliver_all()

    assert _state(command)[0] == State.FAILED
    assert "TypeError" in command.error_text


def test_state_calls_of_a_room_arrive_in_the_order_they_were_meant(room: Room, simulator: Simulator) -> None:
    simulator.fail("modify_group_attr", "http", 500)
    lifecycle.start_room(room, actor=SYSTEM)
    message, attributes, field = room.outbox_commands.filter(state=State.PENDING).order_by("pk")

    for command in (field, attributes, message, field):
        courier.deliver(command.pk)
    assert [_state(command)[0] for command in (message, attributes, field)] == [State.APPLIED, "pending", "pending"]
    nudges = courier.deliver(attributes.pk)
    assert [nudge.command_id for nudge in nudges] == [attributes.pk]
    courier.deliver(field.pk)
    assert _state(field)[0] == State.PENDING
    _due_now()
    assert [nudge.command_id for nudge in courier.deliver(attributes.pk)] == [field.pk]
    courier.deliver(field.pk)

    assert [_state(command)[0] for command in (message, attributes, field)] == [State.APPLIED] * 3


def test_an_old_status_never_overwrites_a_new_one(room: Room, simulator: Simulator) -> None:
    lifecycle.start_room(room, actor=SYSTEM)
    lifecycle.pause_room(room, actor=SYSTEM)
    lifecycle.end_room(room, actor=SYSTEM)

    deliver_all()

    told = [call["body"] for call in _sent(simulator)]
    assert len(told) == 1
    assert "ended" in str(told[0])
    states = Counter(room.outbox_commands.values_list("state", flat=True))
    assert states == {State.APPLIED: 3 + 3, State.SUPERSEDED: 6}


def test_a_replaced_command_that_was_being_sent_is_not_sent_again(room: Room, simulator: Simulator) -> None:
    old = record(room, supersedes="room:x:status", lane="room:x")
    abandoned = {"state": State.SENDING, "leased_until": timezone.now() - timedelta(seconds=1), "attempt_count": 1}
    OutboxCommand.objects.filter(pk=old.pk).update(**abandoned)
    new = record(room, supersedes="room:x:status", lane="room:x")

    courier.deliver(old.pk)
    courier.deliver(new.pk)

    assert (_state(old)[0], _state(new)[0]) == (State.SUPERSEDED, State.APPLIED)
    assert [call["body"]["Random"] for call in _sent(simulator)] == [new.random]


def test_a_lease_keeps_others_away_until_it_ends(room: Room, simulator: Simulator) -> None:
    command = record(room)
    OutboxCommand.objects.filter(pk=command.pk).update(
        state=State.SENDING, attempt_count=1, leased_until=timezone.now() + timedelta(seconds=5)
    )

    assert courier.deliver(command.pk) == []
    assert courier.overdue() == []
    assert _sent(simulator) == []
    OutboxCommand.objects.filter(pk=command.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    assert [nudge.command_id for nudge in courier.overdue()] == [command.pk]
    courier.deliver(command.pk)

    assert _state(command)[:2] == (State.APPLIED, 2)


def test_two_workers_at_one_command_send_and_settle_it_once(room: Room, simulator: Simulator) -> None:
    command = record(room)
    simulator.fail("send_group_msg", "delay", 0.3)
    barrier = threading.Barrier(6)

    def work() -> None:
        try:
            barrier.wait(10)
            courier.deliver(command.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert _state(command)[:2] == (State.APPLIED, 1)
    assert len(_sent(simulator)) == 1


def test_a_worker_that_comes_back_after_its_lease_settles_nothing(room: Room, simulator: Simulator) -> None:
    """The first worker hangs in Chat; its lease ends and a second one takes over and settles."""
    command = record(room)
    simulator.fail("send_group_msg", "delay", 1.0)
    slow = threading.Thread(target=lambda: (courier.deliver(command.pk), connection.close()))
    slow.start()
    eventually(lambda: OutboxCommand.objects.get(pk=command.pk).state == State.SENDING)
    OutboxCommand.objects.filter(pk=command.pk).update(leased_until=timezone.now() - timedelta(seconds=1))

    courier.deliver(command.pk)
    settled = _state(command)
    settled_at = command.settled_at
    slow.join(10)

    assert settled[:2] == (State.APPLIED, 2)
    assert _state(command) == settled
    assert command.settled_at == settled_at
    assert len([message for message in simulator.messages("evening") if "hello" in str(message)]) == 1


def test_what_chat_may_have_forgotten_is_not_repeated_on_a_guess(room: Room, simulator: Simulator) -> None:
    command = record(room)
    OutboxCommand.objects.filter(pk=command.pk).update(
        state=State.SENDING, attempt_count=1, leased_until=timezone.now() - timedelta(seconds=1),
        created_at=timezone.now() - timedelta(minutes=5),
    )  # fmt: skip

    courier.deliver(command.pk)

    assert _state(command)[0] == State.FAILED
    assert "not known" in command.error_text
    assert _sent(simulator) == []


def test_messages_wait_until_their_group_exists(simulator: Simulator, anchor: User) -> None:
    room = lifecycle.create_room(actor=SYSTEM, title="New", anchor=anchor, group_id="new")
    message = record(room)

    nudges = courier.deliver(message.pk)

    assert [nudge.command_id for nudge in nudges] == [message.pk]
    assert _state(message)[0] == State.PENDING
    deliver_all()
    _due_now()
    deliver_all()
    assert _state(message)[0] == State.APPLIED


def test_messages_over_a_groups_forty_a_second_wait_and_none_is_dropped(room: Room, simulator: Simulator) -> None:
    commands = [record(room) for _ in range(90)]
    started_at = time.monotonic()

    def work(share: list[OutboxCommand]) -> None:
        try:
            for command in share:
                while courier.deliver(command.pk):
                    _due_now()
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(commands[start::3],)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    elapsed = time.monotonic() - started_at

    assert Counter(OutboxCommand.objects.filter(call="send_group_msg").values_list("state", flat=True)) == {
        State.APPLIED: 90
    }
    # 34 a second for Normal: the reserve of six belongs to High.
    assert elapsed > 90 / 34 - 1
    assert _most_in_a_second([call["at"] for call in _sent(simulator)]) <= 40
    assert simulator.group("evening")["tally"].get("dropped", 0) == 0


def _most_in_a_second(times: list[float]) -> int:
    times = sorted(times)
    return max(sum(1 for other in times if start <= other < start + 1) for start in times)


def test_a_dead_broker_is_made_up_for_by_the_sweep(
    room: Room, simulator: Simulator, redis_server: Service, worker: Service, beat: Service
) -> None:
    redis_server.kill()
    command = record(room)
    assert _state(command)[0] == State.PENDING
    redis_server.start()

    eventually(lambda: _state(command)[0] == State.APPLIED, seconds=40, what="the sweep")


def test_without_redis_nothing_is_sent_past_the_quota(room: Room, simulator: Simulator, redis_server: Service) -> None:
    command = record(room)
    redis_server.kill()

    nudges = courier.deliver(command.pk)

    assert [nudge.countdown_seconds for nudge in nudges] == [1.0]
    assert _state(command) == (State.PENDING, 0, 0)
    assert _sent(simulator) == []


def test_no_secret_reaches_the_logs(room: Room, simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    simulator.fail("send_group_msg", "http", 500)
    simulator.fail("modify_group_attr", "code", 70001)
    record(room)
    lifecycle.start_room(room, actor=SYSTEM)

    deliver_all()
    usersig = courier.client()._ticket.usersig()

    texts = [caplog.text, *OutboxCommand.objects.values_list("error_text", flat=True), repr(settings.CHAT)]
    assert not [text for text in texts if usersig in text or settings.CHAT.secret_key in text]
