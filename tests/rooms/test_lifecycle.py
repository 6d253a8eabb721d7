import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from rooms.actors import Actor
from rooms.errors import ChangedMeanwhile, InvalidInput, RoomsError, WrongStatus
from rooms.models import AuditEntry, Notice, OutboxCommand, Room, User
from rooms.services import lifecycle
from tests.factories import make_room, make_user

Status = Room.Status
SYSTEM = Actor.of_system("tests")
REPLAY = "https://replays.example.com/1.m3u8"

STEPS: dict[str, Callable[[Room, Actor], Room]] = {
    "start": lambda room, actor: lifecycle.start_room(room, actor=actor),
    "pause": lambda room, actor: lifecycle.pause_room(room, actor=actor),
    "resume": lambda room, actor: lifecycle.resume_room(room, actor=actor),
    "end": lambda room, actor: lifecycle.end_room(room, actor=actor),
    "replay": lambda room, actor: lifecycle.publish_replay(room, actor=actor, replay_url=REPLAY),
}
# Every step from every status; what is not here is refused.
ALLOWED = {
    (Status.TO_BE_STARTED, "start"): Status.ON_LIVE,
    (Status.ON_LIVE, "pause"): Status.PAUSED,
    (Status.ON_LIVE, "end"): Status.ENDED,
    (Status.PAUSED, "resume"): Status.ON_LIVE,
    (Status.PAUSED, "end"): Status.ENDED,
    (Status.ENDED, "replay"): Status.PLAYED_BACK,
}
VERBS = {
    "start": "started", "pause": "paused", "resume": "resumed", "end": "ended", "replay": "replay_published"
}  # fmt: skip


def _calls(room: Room) -> list[tuple[str, str]]:
    return list(room.outbox_commands.order_by("pk").values_list("call", "state"))


@pytest.mark.django_db
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", Status.values)
def test_a_step_is_taken_or_refused_by_the_status_alone(status: str, step: str, operator: User) -> None:
    room = make_room(status=status)
    before = Room.objects.filter(pk=room.pk).values().get()
    wanted = ALLOWED.get((Status(status), step))

    if wanted is None:
        with pytest.raises(WrongStatus) as refusal:
            STEPS[step](room, Actor.of_user(operator))
        assert str(Status(status).label) in str(refusal.value.sentence)
        assert Room.objects.filter(pk=room.pk).values().get() == before
        assert not AuditEntry.objects.filter(room=room).exists()
        assert _calls(room) == []
        return

    changed = STEPS[step](room, Actor.of_user(operator))

    stored = Room.objects.get(pk=room.pk)
    assert (changed.status, stored.status) == (wanted, wanted)
    assert stored.version == before["version"] + 1
    entry = AuditEntry.objects.get(room=room)
    assert (entry.verb, entry.changes) == (f"rooms.room.{VERBS[step]}", {"status": [status, wanted]})
    assert (entry.actor_user, entry.actor_kind) == (operator, "user")
    assert _calls(room) == [
        ("send_group_msg", "pending"),
        ("modify_group_attr", "pending"),
        ("modify_group_base_info", "pending"),
    ]
    assert lifecycle.NEXT_STATUSES[status].count(wanted) == 1


def test_what_may_come_next_is_what_the_steps_allow() -> None:
    offered = {(status, following) for status, many in lifecycle.NEXT_STATUSES.items() for following in many}

    assert offered == {(status, following) for (status, _), following in ALLOWED.items()}


@pytest.mark.django_db
def test_the_times_of_a_room_follow_its_life() -> None:
    room = make_room()

    lifecycle.start_room(room, actor=SYSTEM)
    started_at = room.started_at
    lifecycle.pause_room(room, actor=SYSTEM)
    assert room.paused_at is not None
    lifecycle.resume_room(room, actor=SYSTEM)
    assert room.paused_at is None
    lifecycle.end_room(room, actor=SYSTEM)
    lifecycle.publish_replay(room, actor=SYSTEM, replay_url=REPLAY)

    assert started_at is not None
    assert room.started_at == started_at
    assert room.ended_at is not None
    assert room.replay_published_at is not None
    assert room.replay_url == REPLAY
    assert room.version == 6


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["", "replay", "http://example.com/1", "https://", "https://e.com/" + "x" * 500])
def test_a_replay_needs_an_https_address(address: str) -> None:
    room = make_room(status=Status.ENDED)

    with pytest.raises(InvalidInput) as refusal:
        lifecycle.publish_replay(room, actor=SYSTEM, replay_url=address)

    assert refusal.value.field == "replay_url"
    assert Room.objects.get(pk=room.pk).status == Status.ENDED


def _race(steps: list[Callable[[Room, Actor], Room]], room: Room) -> list[str]:
    """Every step in a thread of its own, at the same moment; how each ended."""
    barrier = threading.Barrier(len(steps))
    outcomes: list[str] = []

    def take(index: int, step: Callable[[Room, Actor], Room]) -> None:
        try:
            mine = Room.objects.get(pk=room.pk)
            barrier.wait(10)
            step(mine, Actor.of_system(f"operator {index}"))
            outcomes.append("done")
        except RoomsError as refusal:
            outcomes.append(refusal.code)
        except Exception as error:
            outcomes.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=pair) for pair in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(outcomes)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("status", "steps"),
    [
        (Status.TO_BE_STARTED, ["start"] * 6),
        (Status.ON_LIVE, ["pause"] * 4),
        (Status.ENDED, ["replay"] * 4),
    ],
)
def test_of_many_operators_at_once_exactly_one_wins(status: str, steps: list[str]) -> None:
    room = make_room(status=status)

    outcomes = _race([STEPS[step] for step in steps], room)

    assert outcomes == ["done"] + ["wrong_status"] * (len(steps) - 1)
    assert AuditEntry.objects.filter(room=room).count() == 1
    assert len(_calls(room)) == 3
    assert Room.objects.get(pk=room.pk).version == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_different_steps_at_once_the_order_is_one_that_is_allowed() -> None:
    room = make_room(status=Status.ON_LIVE)

    outcomes = _race([STEPS["end"], STEPS["pause"]], room)

    room.refresh_from_db()
    assert room.status == Status.ENDED
    assert room.paused_at is None
    assert outcomes in (["done", "done"], ["done", "wrong_status"])
    assert AuditEntry.objects.filter(room=room).count() == outcomes.count("done")


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_was_never_audited_nor_told() -> None:
    room = make_room()

    with transaction.atomic():
        lifecycle.start_room(room, actor=SYSTEM)
        transaction.set_rollback(True)

    assert Room.objects.get(pk=room.pk).status == Status.TO_BE_STARTED
    assert not AuditEntry.objects.exists()
    assert not OutboxCommand.objects.exists()


@pytest.mark.django_db
def test_creating_a_room_makes_its_group_in_order(operator: User, anchor: User) -> None:
    room = lifecycle.create_room(
        actor=Actor.of_user(operator),
        title="  晚间   演唱会 ",
        anchor=anchor,
        notification="Welcome",
        introduction="Hi",
    )

    assert room.title == "晚间 演唱会"
    assert (room.status, room.version, room.has_group) == (Status.TO_BE_STARTED, 1, False)
    commands = list(room.outbox_commands.order_by("pk"))
    assert [command.call for command in commands] == ["account_import", "create_group", "modify_group_attr"]
    assert len({command.lane for command in commands}) == 1
    assert commands[1].payload["fields"] == {"room_status": "to_be_started"}
    assert commands[1].payload["owner"] == anchor.account
    assert AuditEntry.objects.get(room=room).verb == "rooms.room.created"
    assert Notice.objects.get(room=room).actor_user == operator


@pytest.mark.django_db
def test_a_group_name_fits_chats_thirty_bytes(anchor: User) -> None:
    room = lifecycle.create_room(actor=SYSTEM, title="一二三四五六七八九十十一", anchor=anchor)

    command = room.outbox_commands.get(call="create_group")
    assert command.payload["name"] == "一二三四五六七八九十"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("title", {"title": "  "}),
        ("title", {"title": "x" * 101}),
        ("cover_url", {"cover_url": "http://example.com/cover.png"}),
        ("cover_url", {"cover_url": "javascript:alert(1)"}),
        ("cover_url", {"cover_url": "https://example.com/" + "x" * 100}),
        ("group_id", {"group_id": "@TGS#mine"}),
        ("group_id", {"group_id": "with space"}),
        ("group_id", {"group_id": "x" * 49}),
        ("group_id", {"group_id": "线上"}),
        ("group_id", {"group_id": "taken"}),
        ("introduction", {"introduction": "x" * 241}),
        ("notification", {"notification": "<b>Hi</b>"}),
    ],
)
def test_a_room_that_cannot_be_is_refused_with_the_field(field: str, values: dict[str, Any], anchor: User) -> None:
    make_room(group_id="taken", anchor=anchor)

    with pytest.raises(InvalidInput) as refusal:
        lifecycle.create_room(**{"actor": SYSTEM, "title": "Room", "anchor": anchor, **values})

    assert refusal.value.field == field
    assert Room.objects.count() == 1
    assert not OutboxCommand.objects.exists()


@pytest.mark.django_db
def test_nobody_broadcasts_without_a_chat_account() -> None:
    with pytest.raises(InvalidInput) as refusal:
        lifecycle.create_room(actor=SYSTEM, title="Room", anchor=make_user("operator"))

    assert refusal.value.field == "anchor"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_rooms_with_one_group_id_exactly_one_is_created(anchor: User) -> None:
    room = make_room(anchor=anchor)

    def create(_: Room, actor: Actor) -> Room:
        return lifecycle.create_room(actor=actor, title="Twin", anchor=anchor, group_id="twins")

    assert _race([create] * 3, room) == ["done", "invalid", "invalid"]
    assert Room.objects.filter(group_id="twins").count() == 1
    assert OutboxCommand.objects.filter(call="create_group").count() == 1


@pytest.mark.django_db
def test_editing_tells_chat_only_what_chat_shows() -> None:
    room = make_room(title="Old")

    lifecycle.edit_room(room, actor=SYSTEM, scheduled_at=timezone.now() + timedelta(days=1))
    assert _calls(room) == []
    lifecycle.edit_room(room, actor=SYSTEM, title="New", cover_url="https://example.com/c.png")

    assert room.version == 3
    command = room.outbox_commands.get()
    assert command.payload == {"group_id": room.group_id, "name": "New", "face_url": "https://example.com/c.png"}
    assert AuditEntry.objects.filter(room=room).latest("pk").changes["title"] == ["Old", "New"]


@pytest.mark.django_db
def test_an_edit_of_what_somebody_else_changed_is_refused_and_changes_nothing() -> None:
    room = make_room(title="Old")
    lifecycle.edit_room(Room.objects.get(pk=room.pk), actor=SYSTEM, title="Theirs")

    with pytest.raises(ChangedMeanwhile):
        lifecycle.edit_room(room, actor=SYSTEM, title="Mine", expected_version=1)

    assert Room.objects.get(pk=room.pk).title == "Theirs"


@pytest.mark.django_db
def test_saying_the_same_again_changes_nothing() -> None:
    room = make_room(title="Same")

    lifecycle.edit_room(room, actor=SYSTEM, title="Same ")

    assert room.version == 1
    assert not AuditEntry.objects.exists()
