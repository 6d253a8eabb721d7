"""What rooms learn from webhooks: messages, presence, the group's own changes. Registered in `RoomsConfig.ready`.

Each handler gets its events of one batch in order and writes in bulk. All may see an event again only after a crash
that undid the whole batch, so none guards against repeats itself.
"""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import F, Value
from django.db.models.functions import Greatest

from rooms import dispatch
from rooms.chat import elements, protocol
from rooms.chat.elements import Element
from rooms.chat.protocol import GroupDestroyed, GroupInfoChanged, MessageSent, PresenceChanged, StateChanged
from rooms.dispatch import ALLOW, Batch, Decision, Event
from rooms.models import AuditEntry, Membership, Message, Notice, Room, Viewer

_KIND_OF_COMMAND = {
    "send_gift_message": Message.Kind.GIFT,
    "like": Message.Kind.LIKE,
    "room_status": Message.Kind.STATUS,
    "room_notice": Message.Kind.NOTICE,
    "warning": Message.Kind.WARNING,
}
# Only we may say these; the same command from a viewer is shown as what it is, a custom message.
_OURS_ALONE = {Message.Kind.STATUS, Message.Kind.NOTICE, Message.Kind.WARNING}


def register() -> None:
    dispatch.register_decider(protocol.BEFORE_SEND, allow_message)
    dispatch.register_handler([protocol.AFTER_SEND], keep_messages)
    dispatch.register_handler([protocol.JOINED, protocol.EXITED, protocol.MEMBER_STATE], follow_presence)
    dispatch.register_handler([protocol.GROUP_INFO_CHANGED], follow_group_info)
    dispatch.register_handler([protocol.GROUP_DESTROYED], note_destroyed_groups)
    dispatch.register_handler([protocol.STATE_CHANGED], follow_connections)


def allow_message(message: MessageSent) -> Decision:
    """Every message may go out until screening takes this place."""
    return ALLOW


def keep_messages(batch: Batch, events: list[Event]) -> None:
    """Store delivered messages of our rooms, each (room, seq) once, and move the rooms' counters."""
    candidates: dict[tuple[int, int], Message] = {}
    for event in events:
        sent = event.callback
        if not isinstance(sent, MessageSent) or sent.seq is None or sent.group_id not in batch.rooms:
            continue
        room_id = batch.rooms[sent.group_id]
        candidates.setdefault((room_id, sent.seq), _message(room_id, sent.seq, sent, event))
    stored = Message.objects.filter(
        room_id__in={room_id for room_id, _ in candidates}, seq__in={seq for _, seq in candidates}
    )
    for key in stored.values_list("room_id", "seq"):
        candidates.pop(key, None)
    messages = Message.objects.bulk_create(candidates.values())
    _ensure_viewers({message.account for message in messages if not message.is_from_rest})
    by_room: dict[int, list[Message]] = {}
    for message in messages:
        by_room.setdefault(message.room_id, []).append(message)
    for room_id, in_room in sorted(by_room.items()):
        Room.objects.filter(pk=room_id).update(
            message_count=F("message_count") + len(in_room),
            last_message_at=max(message.sent_at for message in in_room),
        )
        batch.tell(f"feed:{room_id}", "messages", {"room": room_id, "ids": [message.pk for message in in_room]})
        batch.tell(f"room:{room_id}", "numbers", {"room": room_id})
        batch.tell("wall", "numbers", {"room": room_id})


def follow_presence(batch: Batch, events: list[Event]) -> None:
    """Apply joins and exits by their EventTime: an older event never overwrites a newer one."""
    newest: dict[tuple[int, str], tuple[datetime, bool]] = {}
    for event in events:
        change = event.callback
        if not isinstance(change, PresenceChanged) or change.group_id not in batch.rooms:
            continue
        at = change.event_at or event.received_at
        for account in change.accounts:
            key = (batch.rooms[change.group_id], account[:64])
            if key not in newest or newest[key][0] <= at:
                newest[key] = (at, change.is_present)
    if not newest:
        return
    viewers = _ensure_viewers({account for _, account in newest})
    _apply_presence({(room_id, viewers[account]): state for (room_id, account), state in newest.items()}, batch)


def _apply_presence(newest: dict[tuple[int, int], tuple[datetime, bool]], batch: Batch) -> None:
    known = {
        (membership.room_id, membership.viewer_id): membership
        for membership in Membership.objects.filter(
            room_id__in={room_id for room_id, _ in newest},
            viewer_id__in={viewer_id for _, viewer_id in newest},
        )
    }
    created: list[Membership] = []
    changed: list[Membership] = []
    growth: dict[int, int] = {}
    for (room_id, viewer_id), (at, is_present) in newest.items():
        membership = known.get((room_id, viewer_id))
        if membership is None:
            left_at = None if is_present else at
            created.append(
                Membership(
                    room_id=room_id, viewer_id=viewer_id, is_present=is_present,
                    joined_at=at, left_at=left_at, changed_at=at,
                )
            )  # fmt: skip
            growth[room_id] = growth.get(room_id, 0) + is_present
            continue
        if membership.changed_at > at:
            continue
        if membership.is_present != is_present:
            growth[room_id] = growth.get(room_id, 0) + (1 if is_present else -1)
            membership.is_present = is_present
            if is_present:
                membership.joined_at, membership.left_at = at, None
            else:
                membership.left_at = at
        membership.changed_at = at
        changed.append(membership)
    Membership.objects.bulk_create(created)
    Membership.objects.bulk_update(changed, ["is_present", "joined_at", "left_at", "changed_at"], batch_size=200)
    for room_id, difference in sorted(growth.items()):
        if difference:
            Room.objects.filter(pk=room_id).update(online_count=Greatest(F("online_count") + difference, Value(0)))
            Room.objects.filter(pk=room_id, peak_online_count__lt=F("online_count")).update(
                peak_online_count=F("online_count")
            )
        batch.tell(f"room:{room_id}", "members", {"room": room_id})
        batch.tell("wall", "numbers", {"room": room_id})


def follow_group_info(batch: Batch, events: list[Event]) -> None:
    """Take over a notice that was changed in Chat itself; our own changes come back as echoes and are left alone."""
    for event in events:
        change = event.callback
        if not isinstance(change, GroupInfoChanged) or change.group_id not in batch.rooms:
            continue
        if change.operator == settings.CHAT.admin_account:
            continue
        room = Room.objects.get(pk=batch.rooms[change.group_id])
        introduction = room.introduction if change.introduction is None else change.introduction[:240]
        notification = room.notification if change.notification is None else change.notification[:300]
        if (introduction, notification) == (room.introduction, room.notification):
            continue
        actor_name = f"Chat: {change.operator}"[:150]
        Room.objects.filter(pk=room.pk).update(
            introduction=introduction, notification=notification, version=F("version") + 1
        )
        Notice.objects.create(room=room, introduction=introduction, notification=notification, actor_name=actor_name)
        AuditEntry.objects.create(
            verb="rooms.notice.changed_in_chat",
            room=room,
            actor_kind="chat",
            actor_name=actor_name,
            changes={
                "introduction": [room.introduction, introduction],
                "notification": [room.notification, notification],
            },
        )
        batch.tell(f"room:{room.pk}", "room", {"room": room.pk})


def note_destroyed_groups(batch: Batch, events: list[Event]) -> None:
    """Remember that Chat no longer has the group; nobody is inside any more."""
    for event in events:
        change = event.callback
        if not isinstance(change, GroupDestroyed) or change.group_id not in batch.rooms:
            continue
        room_id, at = batch.rooms[change.group_id], change.event_at or event.received_at
        Room.objects.filter(pk=room_id).update(has_group=False, group_destroyed_at=at, online_count=0)
        Membership.objects.filter(room_id=room_id, is_present=True).update(is_present=False, left_at=at, changed_at=at)
        AuditEntry.objects.create(
            verb="rooms.group.destroyed", room_id=room_id, actor_kind="chat", actor_name="Chat", changes={}
        )
        batch.tell(f"room:{room_id}", "room", {"room": room_id})
        batch.tell("wall", "tile", {"room": room_id})


def follow_connections(batch: Batch, events: list[Event]) -> None:
    """Keep each account's last known connection state, by EventTime."""
    newest: dict[str, tuple[datetime, bool]] = {}
    for event in events:
        change = event.callback
        if not isinstance(change, StateChanged) or not change.account:
            continue
        at = change.event_at or event.received_at
        if change.account not in newest or newest[change.account][0] <= at:
            newest[change.account] = (at, change.is_online)
    _ensure_viewers(newest)
    for account, (at, is_online) in newest.items():
        Viewer.objects.filter(account=account[:64]).exclude(state_changed_at__gt=at).update(
            is_online=is_online, state_changed_at=at
        )


def _ensure_viewers(accounts: Iterable[str]) -> dict[str, int]:
    """Viewer ids by account, creating those that are new."""
    wanted = {account[:64] for account in accounts if account}
    known = dict(Viewer.objects.filter(account__in=wanted).values_list("account", "pk"))
    missing = sorted(wanted - known.keys())
    if missing:
        Viewer.objects.bulk_create([Viewer(account=account) for account in missing], ignore_conflicts=True)
        known.update(Viewer.objects.filter(account__in=missing).values_list("account", "pk"))
    return known


def _message(room_id: int, seq: int, sent: MessageSent, event: Event) -> Message:
    at = sent.sent_at or sent.event_at or event.received_at
    is_from_rest = event.platform.upper() == "RESTAPI"
    return Message(
        room_id=room_id,
        seq=seq,
        account=sent.account[:64],
        kind=_kind(sent, is_from_rest=is_from_rest),
        text=_text(sent.elements),
        elements=sent.elements,
        cloud_custom_data=sent.cloud_custom_data,
        priority=sent.priority[:8],
        msg_id=sent.msg_id[:100],
        random=sent.random,
        is_from_rest=is_from_rest,
        sent_at=at,
        received_at=event.received_at,
    )


def _kind(sent: MessageSent, *, is_from_rest: bool) -> str:
    for part in sent.elements:
        command = elements.read_command(part)
        if command is not None:
            kind = _KIND_OF_COMMAND.get(command[0], Message.Kind.CUSTOM)
            return Message.Kind.CUSTOM if kind in _OURS_ALONE and not is_from_rest else kind
    first = sent.elements[0]["kind"] if sent.elements else "custom"
    if first == "text":
        is_highlight = is_from_rest and sent.cloud_custom_data == elements.HIGHLIGHT_MARK
        return Message.Kind.HIGHLIGHT if is_highlight else Message.Kind.TEXT
    return Message.Kind.CUSTOM if first in {"custom", "other"} else Message.Kind.MEDIA


def _text(parts: list[Element]) -> str:
    """What a person reads of the message: its text, or the sentence inside one of our own commands."""
    text = elements.plain_text(parts)
    if text:
        return text
    for part in parts:
        command = elements.read_command(part)
        if command is not None:
            sentence = command[1].get("text") or command[1].get("giftName") or command[1].get("status")
            return str(sentence or "")
    return ""
