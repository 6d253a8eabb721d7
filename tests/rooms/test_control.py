import pytest

from rooms.actors import Actor
from rooms.chat.elements import HIGHLIGHT_MARK, read_command
from rooms.errors import InvalidInput, WrongStatus
from rooms.models import AuditEntry, OutboxCommand, Room
from rooms.services.control import send_operator_message, set_mute_all
from tests.factories import make_room

ACTOR = Actor.of_app("shop")


@pytest.mark.django_db
def test_muting_everyone_twice_is_told_once() -> None:
    room = make_room()

    set_mute_all(room, actor=ACTOR, is_muted=True)
    set_mute_all(room, actor=ACTOR, is_muted=True)
    assert (room.is_mute_all, room.version) == (True, 2)
    set_mute_all(room, actor=ACTOR, is_muted=False)

    assert list(AuditEntry.objects.order_by("pk").values_list("verb", "actor_kind")) == [
        ("rooms.mute_all.set", "app"),
        ("rooms.mute_all.lifted", "app"),
    ]
    first, second = room.outbox_commands.order_by("pk")
    assert (first.state, second.state) == ("superseded", "pending")
    assert second.payload["is_mute_all"] is False


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("style", "priority", "mark"), [("plain", "Normal", None), ("highlight", "High", HIGHLIGHT_MARK)]
)
def test_an_operator_speaks_as_text(style: str, priority: str, mark: str | None) -> None:
    room = make_room(status=Room.Status.ON_LIVE)

    command = send_operator_message(room, actor=ACTOR, text=" 欢迎 ", style=style)

    assert command.payload["elements"] == [{"kind": "text", "text": "欢迎"}]
    assert command.payload["priority"] == priority
    assert command.payload.get("cloud_custom_data") == mark
    assert AuditEntry.objects.get().changes == {"text": "欢迎", "style": style}


@pytest.mark.django_db
def test_a_warning_is_a_command_clients_can_insist_on() -> None:
    room = make_room(status=Room.Status.PAUSED)

    command = send_operator_message(room, actor=ACTOR, text="Be kind", style="warning")

    assert read_command(command.payload["elements"][0]) == ("warning", {"text": "Be kind"})
    assert command.payload["priority"] == "High"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("text", {"text": "  "}),
        ("text", {"text": "好" * 667}),
        ("style", {"text": "Hello", "style": "shout"}),
    ],
)
def test_a_message_that_cannot_be_is_refused_with_the_field(field: str, values: dict[str, str]) -> None:
    room = make_room(status=Room.Status.ON_LIVE)

    with pytest.raises(InvalidInput) as refusal:
        send_operator_message(room, actor=ACTOR, **values)

    assert refusal.value.field == field
    assert not OutboxCommand.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Room.Status.ENDED, Room.Status.PLAYED_BACK])
def test_nobody_speaks_into_a_room_that_has_ended(status: str) -> None:
    room = make_room(status=status)

    with pytest.raises(WrongStatus):
        send_operator_message(room, actor=ACTOR, text="Hello?")

    assert not AuditEntry.objects.exists()
