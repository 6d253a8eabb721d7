from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from rooms import deliveries, redis
from rooms.chat import protocol
from rooms.chat.elements import HIGHLIGHT_MARK, command_element, to_wire
from rooms.models import AuditEntry, Membership, Message, Notice, Room, Viewer
from tests.factories import make_membership, make_room, make_viewer
from tests.rooms.callbacks import entry, message_entry, presence_body
from tests.rooms.test_protocol import SAMPLES

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def room(db: None) -> Room:
    return make_room(group_id="room_1", status=Room.Status.ON_LIVE)


def _presence(command: str, *accounts: str, after: float = 0, **more: Any) -> None:
    body = presence_body(command, "room_1", *accounts, at=START.timestamp() + after, **more)
    deliveries.store_and_handle([entry(command, body)])


def _joined(*accounts: str, after: float = 0) -> None:
    _presence(protocol.JOINED, *accounts, after=after)


def _left(*accounts: str, after: float = 0) -> None:
    _presence(protocol.EXITED, *accounts, after=after, ExitType="Quit")


def _inside(room: Room) -> list[str]:
    """Who is inside; the counter agrees with the rows."""
    room.refresh_from_db()
    inside = Membership.objects.filter(room=room, is_present=True).values_list("viewer__account", flat=True)
    assert room.online_count == len(inside)
    return sorted(inside)


def test_who_joins_is_inside_and_who_leaves_is_not(room: Room) -> None:
    _joined("amy", "bob")
    _joined("cleo", after=1)
    _left("bob", after=2)

    assert _inside(room) == ["amy", "cleo"]
    assert room.peak_online_count == 3
    bob = Membership.objects.get(viewer__account="bob")
    assert (bob.joined_at, bob.left_at) == (START, START + timedelta(seconds=2))


def test_an_exit_that_arrives_late_does_not_undo_a_newer_join(room: Room) -> None:
    _joined("amy")
    _joined("amy", after=30)
    _left("amy", after=20)

    assert _inside(room) == ["amy"]


def test_a_join_that_arrives_after_its_exit_leaves_the_viewer_outside(room: Room) -> None:
    _left("amy", after=20)
    _joined("amy", after=10)

    assert _inside(room) == []
    assert Membership.objects.get().left_at == START + timedelta(seconds=20)


def test_joins_and_exits_of_one_batch_are_applied_by_their_own_time(room: Room) -> None:
    times = [(protocol.EXITED, 30), (protocol.JOINED, 40), (protocol.JOINED, 10), (protocol.EXITED, 20)]
    deliveries.store_and_handle(
        [
            entry(command, presence_body(command, "room_1", "amy", at=START.timestamp() + after))
            for command, after in times
        ]
    )

    assert _inside(room) == ["amy"]


def test_joining_twice_counts_once(room: Room) -> None:
    _joined("amy")
    _joined("amy", after=1)
    _joined("amy", "amy", after=2)

    assert _inside(room) == ["amy"]


@pytest.mark.parametrize(("event_type", "inside"), [("Online", ["amy"]), ("Offline", [])])
def test_a_members_state_is_followed_too(event_type: str, inside: list[str], room: Room) -> None:
    _joined("amy")
    _presence(protocol.MEMBER_STATE, "amy", after=5, EventType=event_type)

    assert _inside(room) == inside


def test_the_counter_never_falls_below_nobody(room: Room) -> None:
    Room.objects.filter(pk=room.pk).update(online_count=0)
    make_membership(room, make_viewer("amy"), changed_at=START)

    _left("amy", after=5)

    assert _inside(room) == []


def test_a_group_that_is_none_of_ours_leaves_no_trace(room: Room) -> None:
    deliveries.store_and_handle(
        [message_entry("theirs", 1), entry(protocol.JOINED, presence_body(protocol.JOINED, "theirs", "amy", at=1.0))]
    )

    assert not Message.objects.exists()
    assert not Viewer.objects.exists()


def _custom(cmd: str, **info: Any) -> dict[str, Any]:
    return {"MsgBody": to_wire([command_element(cmd, info)])}


KINDS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "text": ("iOS", {}, "text", "hello"),
    "highlight": ("RESTAPI", {"CloudCustomData": HIGHLIGHT_MARK}, "highlight", "hello"),
    "a viewer's highlight": ("iOS", {"CloudCustomData": HIGHLIGHT_MARK}, "text", "hello"),
    "warning": ("RESTAPI", _custom("warning", text="Be kind"), "warning", "Be kind"),
    "a viewer's warning": ("Android", _custom("warning", text="Give me money"), "custom", "Give me money"),
    "status": ("RESTAPI", _custom("room_status", status="on_live"), "status", "on_live"),
    "a viewer's status": ("Web", _custom("room_status", status="ended"), "custom", "ended"),
    "gift": ("Web", _custom("send_gift_message", giftName="Rocket"), "gift", "Rocket"),
    "like": ("Web", _custom("like", count=5), "like", ""),
    "unknown command": ("Web", _custom("dance"), "custom", ""),
    "image": ("Web", {"MsgBody": [{"MsgType": "TIMImageElem", "MsgContent": {"UUID": "1"}}]}, "media", ""),
    "new type": ("Web", {"MsgBody": [{"MsgType": "TIMNewElem", "MsgContent": {}}]}, "custom", ""),
    "no elements": ("Web", {"MsgBody": []}, "custom", ""),
    "odd elements": ("Web", {"MsgBody": "text"}, "custom", ""),
    "odd text": ("Web", {"MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": 5}}]}, "text", ""),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_message_is_kept_as_what_it_is(name: str, room: Room) -> None:
    platform, changes, kind, text = KINDS[name]

    deliveries.store_and_handle([message_entry("room_1", 5, "hello", platform=platform, **changes)])

    message = Message.objects.get()
    assert (message.kind, message.text, message.seq) == (kind, text, 5)
    assert message.is_from_rest is (platform == "RESTAPI")
    if isinstance(changes.get("MsgBody"), list):
        assert to_wire(message.elements) == changes["MsgBody"]


def test_messages_move_the_rooms_counter_and_tell_watchers_once(room: Room) -> None:
    deliveries.store_and_handle([message_entry("room_1", seq) for seq in (1, 2, 3)])

    room.refresh_from_db()
    assert room.message_count == Message.objects.filter(room=room).count() == 3
    assert room.last_message_at is not None
    events = [fields for _, fields in redis.connection().xrange(redis.LIVE_STREAM) if fields[b"event"] == b"messages"]
    assert len(events) == 1
    assert Viewer.objects.get().account == "amy"


def test_the_documented_message_is_stored_in_the_documented_room() -> None:
    sample = next(sample for sample in SAMPLES if sample["command"] == protocol.AFTER_SEND)
    room = make_room(group_id=sample["body"]["GroupId"])

    deliveries.store_and_handle([entry(protocol.AFTER_SEND, sample["body"], platform="iOS")])

    message = Message.objects.get(room=room)
    assert (message.seq, message.account) == (sample["body"]["MsgSeq"], sample["body"]["From_Account"])
    assert message.sent_at == datetime.fromtimestamp(sample["body"]["MsgTime"], UTC)
    assert to_wire(message.elements) == sample["body"]["MsgBody"]


def _info_changed(operator: str, **changes: str) -> None:
    body = {"GroupId": "room_1", "Operator_Account": operator, "EventTime": 1767240300000, **changes}
    deliveries.store_and_handle([entry(protocol.GROUP_INFO_CHANGED, body)])


def test_a_notice_changed_in_chat_is_taken_over_and_audited(room: Room) -> None:
    Room.objects.filter(pk=room.pk).update(introduction="Stays", notification="Old")

    _info_changed("owner_1", Notification="New")

    room.refresh_from_db()
    assert (room.introduction, room.notification, room.version) == ("Stays", "New", 2)
    assert Notice.objects.get().actor_name == "Chat: owner_1"
    entry_ = AuditEntry.objects.get()
    assert (entry_.verb, entry_.actor_kind) == ("rooms.notice.changed_in_chat", "chat")
    assert not room.outbox_commands.exists()


def test_the_echo_of_our_own_change_is_left_alone(room: Room) -> None:
    _info_changed(settings.CHAT.admin_account, Notification="Echo")

    room.refresh_from_db()
    assert (room.notification, room.version) == ("", 1)


@pytest.mark.parametrize("changes", [{"Name": "New name"}, {"FaceUrl": "https://example.com/1.png"}, {}])
def test_a_change_that_is_no_notice_makes_no_notice(changes: dict[str, str], room: Room) -> None:
    _info_changed("owner_1", **changes)

    room.refresh_from_db()
    assert room.version == 1
    assert not Notice.objects.exists()


def test_a_destroyed_group_is_remembered_and_empty(room: Room) -> None:
    _joined("amy", "bob")

    deliveries.store_and_handle(
        [entry(protocol.GROUP_DESTROYED, {"GroupId": "room_1", "EventTime": int(START.timestamp() * 1000) + 5000})]
    )

    assert _inside(room) == []
    assert not room.has_group
    assert room.group_destroyed_at == START + timedelta(seconds=5)
    assert AuditEntry.objects.get().verb == "rooms.group.destroyed"


def _state_changed(account: str, reason: str, after: float) -> None:
    at = int((START.timestamp() + after) * 1000)
    body = {"Info": {"To_Account": account, "Action": "x", "Reason": reason}, "EventTime": at}
    deliveries.store_and_handle([entry(protocol.STATE_CHANGED, body)])


def test_a_connection_is_followed_by_its_time() -> None:
    _state_changed("amy", "Register", 10)
    _state_changed("amy", "LinkClose", 5)
    assert Viewer.objects.get().is_online

    _state_changed("amy", "TimeOut", 15)
    assert not Viewer.objects.get().is_online
