"""What operators do in a running room: mute everyone, speak."""

from typing import Final

from django.db import transaction
from django.db.models import F, TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from rooms import live, outbox
from rooms.actors import Actor
from rooms.chat.elements import HIGHLIGHT_MARK, text_element
from rooms.errors import InvalidInput, WrongStatus
from rooms.models import OutboxCommand, Room
from rooms.services import telling
from rooms.services.audit import write_entry

OPERATOR_MESSAGE_BYTES: Final = 2000


class MessageStyle(TextChoices):
    PLAIN = "plain", gettext_lazy("Plain")
    HIGHLIGHT = "highlight", gettext_lazy("Highlight")
    WARNING = "warning", gettext_lazy("Warning")


def set_mute_all(room: Room, *, actor: Actor, is_muted: bool) -> Room:
    """Nobody but owner and administrators may speak, or everyone may again. Saying it twice changes nothing."""
    with transaction.atomic():
        changed = Room.objects.filter(pk=room.pk, is_mute_all=not is_muted).update(
            is_mute_all=is_muted, version=F("version") + 1, updated_at=timezone.now()
        )
        room.refresh_from_db()
        if changed == 1:
            verb = "rooms.mute_all.set" if is_muted else "rooms.mute_all.lifted"
            write_entry(room, verb=verb, actor=actor, changes={"is_mute_all": [not is_muted, is_muted]})
            telling.tell_mute_all(room, actor=actor)
            live.publish_on_commit(room.topic, "room", {"room": room.pk})
            live.publish_on_commit("wall", "tile", {"room": room.pk})
    return room


def send_operator_message(room: Room, *, actor: Actor, text: str, style: str = MessageStyle.PLAIN) -> OutboxCommand:
    """Speak into the room as its operators. A warning is a command message, so that clients can insist on it."""
    text = text.strip()
    if not text:
        raise InvalidInput("text", _("Write a message first."))
    size = len(text.encode())
    if size > OPERATOR_MESSAGE_BYTES:
        raise InvalidInput(
            "text",
            _("This is %(size)d bytes long; %(limit)d are allowed.") % {"size": size, "limit": OPERATOR_MESSAGE_BYTES},
        )
    if style not in MessageStyle.values:
        raise InvalidInput("style", _("Choose plain, highlight or warning."))
    with transaction.atomic():
        status = Room.objects.filter(pk=room.pk).values_list("status", flat=True).get()
        if status in (Room.Status.ENDED, Room.Status.PLAYED_BACK):
            raise WrongStatus(_("This room has ended; nobody would see the message."))
        write_entry(room, verb="rooms.message.sent", actor=actor, changes={"text": text, "style": str(style)})
        if style == MessageStyle.WARNING:
            return telling.send_command(
                room, cmd="warning", info={"text": text}, label=gettext_noop("Send a warning"), actor=actor
            )
        priority = "High" if style == MessageStyle.HIGHLIGHT else "Normal"
        payload = {"group_id": room.group_id, "elements": [text_element(text)], "priority": priority}
        if style == MessageStyle.HIGHLIGHT:
            payload["cloud_custom_data"] = HIGHLIGHT_MARK
        return outbox.record(
            room, call="send_group_msg", payload=payload, label=gettext_noop("Send a message"), actor=actor
        )
