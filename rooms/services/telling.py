"""How a room's Chat group is told of a change: which calls, in which lane, replacing what.

State calls of one room share a lane, so they arrive in order; calls that replace each other share a `supersedes` key,
so an old status can never overwrite a new one. Names and limits follow DESIGN section 6.
"""

from typing import Any, Final

from django.utils.translation import gettext_noop

from rooms import outbox
from rooms.actors import Actor
from rooms.chat.elements import command_element
from rooms.models import OutboxCommand, Room

STATUS_KEY: Final = "room_status"
GROUP_NAME_BYTES: Final = 30


def cut_to_bytes(text: str, limit: int) -> str:
    """The longest start of `text` that fits `limit` UTF-8 bytes without splitting a character."""
    return text.encode()[:limit].decode("utf-8", "ignore")


def send_command(
    room: Room,
    *,
    cmd: str,
    info: dict[str, Any],
    label: str,
    actor: Actor,
    supersedes: str = "",
    lane: str = "",
) -> OutboxCommand:
    """A High-priority custom message for those inside."""
    payload = {"group_id": room.group_id, "elements": [command_element(cmd, info)], "priority": "High"}
    return outbox.record(
        room,
        call="send_group_msg",
        payload=payload,
        label=label,
        actor=actor,
        supersedes=supersedes,
        lane=lane,
    )


def create_group(room: Room, *, actor: Actor) -> None:
    """Import the anchor, create the group with the status in its custom field, and set the attributes."""
    anchor, lane = room.anchor, state_lane(room)
    outbox.record(
        room,
        call="account_import",
        payload={"account": anchor.account, "nick": anchor.display_name},
        label=gettext_noop("Make the anchor known to Chat"),
        actor=actor,
        lane=lane,
    )
    outbox.record(
        room,
        call="create_group",
        payload={
            "group_id": room.group_id,
            "name": cut_to_bytes(room.title, GROUP_NAME_BYTES),
            "owner": anchor.account,
            "introduction": room.introduction,
            "notification": room.notification,
            "face_url": room.cover_url if room.cover_url.startswith("https://") else "",
            "fields": {STATUS_KEY: room.status},
        },
        label=gettext_noop("Create the group"),
        actor=actor,
        lane=lane,
    )
    _set_attributes(room, actor=actor)


def tell_status(room: Room, *, actor: Actor) -> None:
    """The new status, told twice: a message for those inside, attributes and custom field for those who come later."""
    send_command(
        room,
        cmd="room_status",
        info=_status_info(room),
        label=gettext_noop("Tell viewers the status"),
        actor=actor,
        supersedes=f"room:{room.pk}:status",
        lane=state_lane(room),
    )
    _set_attributes(room, actor=actor)
    _modify_group(
        room, part="field", changes={"fields": {STATUS_KEY: room.status}},
        label=gettext_noop("Show the status in the group's profile"), actor=actor,
    )  # fmt: skip


def tell_notice(room: Room, *, actor: Actor) -> None:
    """The new notice, in the group's profile and as a message for those inside."""
    _modify_group(
        room,
        part="notice",
        changes={"introduction": room.introduction, "notification": room.notification},
        label=gettext_noop("Set the notice"),
        actor=actor,
    )
    send_command(
        room,
        cmd="room_notice",
        info={"notification": room.notification, "introduction": room.introduction, "version": room.version},
        label=gettext_noop("Tell viewers the notice"),
        actor=actor,
        supersedes=f"room:{room.pk}:notice_message",
        lane=state_lane(room),
    )


def tell_profile(room: Room, *, actor: Actor) -> None:
    """Title and cover."""
    changes = {"name": cut_to_bytes(room.title, GROUP_NAME_BYTES)}
    if room.cover_url.startswith("https://"):
        changes["face_url"] = room.cover_url
    _modify_group(room, part="profile", changes=changes, label=gettext_noop("Set title and cover"), actor=actor)


def tell_mute_all(room: Room, *, actor: Actor) -> None:
    label = gettext_noop("Mute everyone") if room.is_mute_all else gettext_noop("Let everyone speak")
    _modify_group(room, part="mute_all", changes={"is_mute_all": room.is_mute_all}, label=label, actor=actor)


def state_lane(room: Room) -> str:
    return f"room:{room.pk}:state"


def _status_info(room: Room) -> dict[str, Any]:
    info: dict[str, Any] = {"status": room.status, "version": room.version}
    if room.replay_url:
        info["replay_url"] = room.replay_url
    return info


def _set_attributes(room: Room, *, actor: Actor) -> None:
    attributes = {STATUS_KEY: room.status, "room_version": str(room.version)}
    if room.replay_url:
        attributes["replay_url"] = room.replay_url
    outbox.record(
        room,
        call="modify_group_attr",
        payload={"group_id": room.group_id, "attributes": attributes},
        label=gettext_noop("Set the status attributes"),
        actor=actor,
        lane=state_lane(room),
        supersedes=f"room:{room.pk}:attributes",
    )


def _modify_group(room: Room, *, part: str, changes: dict[str, Any], label: str, actor: Actor) -> None:
    outbox.record(
        room,
        call="modify_group_base_info",
        payload={"group_id": room.group_id, **changes},
        label=label,
        actor=actor,
        lane=state_lane(room),
        supersedes=f"room:{room.pk}:{part}",
    )
