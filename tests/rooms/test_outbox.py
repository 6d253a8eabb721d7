import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from config.celery import app
from rooms import outbox, redis
from rooms.actors import Actor
from rooms.errors import NotRetryable
from rooms.models import AuditEntry, OutboxCommand, Room
from tests.factories import make_room
from tests.services import Service

SYSTEM = Actor.of_system("tests")
State = OutboxCommand.State


def record(room: Room, call: str = "send_group_msg", **options: Any) -> OutboxCommand:
    payload = {"group_id": room.group_id, "elements": [{"kind": "text", "text": "hello"}], "priority": "Normal"}
    return outbox.record(room, call=call, payload=payload, label="Say hello", actor=SYSTEM, **options)


def _queued(queue: str = "chat.urgent") -> int:
    return int(redis.connection().llen(queue))


@pytest.mark.django_db(transaction=True)
def test_a_command_is_enqueued_when_it_is_committed_and_not_before() -> None:
    room = make_room()

    with transaction.atomic():
        record(room)
        record(room, queue=OutboxCommand.Queue.BULK)
        assert (_queued(), _queued("chat.bulk")) == (0, 0)

    assert (_queued(), _queued("chat.bulk")) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_command_that_was_undone_is_never_enqueued() -> None:
    room = make_room()

    with transaction.atomic():
        record(room)
        transaction.set_rollback(True)

    assert _queued() == 0
    assert not OutboxCommand.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_is_logged_and_the_command_stays(
    redis_server: Service, caplog: pytest.LogCaptureFixture
) -> None:
    room = make_room()
    redis_server.kill()

    command = record(room)

    command.refresh_from_db()
    assert command.state == State.PENDING
    assert "left to the sweep" in caplog.text


@pytest.mark.django_db
def test_a_newer_command_replaces_a_pending_one_and_leaves_the_others() -> None:
    room = make_room()
    old = record(room, supersedes="room:1:status")
    other = record(room, supersedes="room:2:status")
    sending = record(room, supersedes="room:1:status")
    OutboxCommand.objects.filter(pk=sending.pk).update(state=State.SENDING)

    new = record(room, supersedes="room:1:status")

    states = dict(OutboxCommand.objects.values_list("pk", "state"))
    assert states == {old.pk: "superseded", other.pk: "pending", sending.pk: "sending", new.pk: "pending"}
    assert OutboxCommand.objects.get(pk=old.pk).settled_at is not None


@pytest.mark.django_db
def test_every_command_has_its_own_random_from_birth() -> None:
    room = make_room()

    randoms = {record(room).random for _ in range(20)}

    assert len(randoms) == 20
    assert all(0 <= number < 2**32 for number in randoms)


def _fail(command: OutboxCommand) -> OutboxCommand:
    OutboxCommand.objects.filter(pk=command.pk).update(
        state=State.FAILED, attempt_count=8, error_code=10002, error_text="busy", settled_at=command.created_at
    )
    command.refresh_from_db()
    return command


@pytest.mark.django_db(transaction=True)
def test_a_failed_command_can_be_sent_again_by_hand() -> None:
    command = _fail(record(make_room()))
    random_before = command.random
    redis.connection().flushdb()

    outbox.retry(command, actor=Actor.of_app("shop"))

    command.refresh_from_db()
    assert (command.state, command.attempt_count, command.error_code) == (State.PENDING, 0, 0)
    assert command.random == random_before
    assert command.settled_at is None
    assert AuditEntry.objects.get().verb == "rooms.command.retried"
    assert _queued() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.PENDING, State.SENDING, State.APPLIED, State.SUPERSEDED])
def test_only_a_failed_command_is_retried(state: str) -> None:
    command = record(make_room())
    OutboxCommand.objects.filter(pk=command.pk).update(state=state)

    with pytest.raises(NotRetryable):
        outbox.retry(command, actor=SYSTEM)

    assert OutboxCommand.objects.get(pk=command.pk).state == state
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_failed_command_that_was_replaced_since_stays_failed() -> None:
    room = make_room()
    command = _fail(record(room, supersedes="room:1:status"))
    record(room, supersedes="room:1:status")

    with pytest.raises(NotRetryable):
        outbox.retry(command, actor=SYSTEM)

    assert OutboxCommand.objects.get(pk=command.pk).state == State.FAILED


def test_every_task_has_a_named_queue_and_takes_keys_only() -> None:
    wanted: dict[str, Callable[..., None]] = {
        name: task for name, task in app.tasks.items() if name.startswith("rooms.")
    }

    assert {"rooms.deliver_command", "rooms.sweep_outbox", "rooms.record_pulse"} <= wanted.keys()


@pytest.mark.django_db(transaction=True)
def test_who_heads_a_lane_after_another_was_replaced_is_looked_at() -> None:
    room = make_room()
    record(room, lane="room:x", supersedes="room:x:status")
    heir = record(room, lane="room:x")
    redis.connection().delete("chat.urgent")

    newest = record(room, lane="room:x", supersedes="room:x:status")

    waiting = redis.connection().lrange("chat.urgent", 0, -1)
    assert {json.loads(item)["headers"]["argsrepr"] for item in waiting} == {f"({heir.pk},)", f"({newest.pk},)"}
