"""A room's notice: Introduction and Notification of the group, plain text or the JSON form with pictures."""

import json
import re
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from rooms import live
from rooms.actors import Actor
from rooms.addresses import is_https
from rooms.errors import ChangedMeanwhile, InvalidInput
from rooms.models import Notice, Room
from rooms.services import telling
from rooms.services.audit import write_entry

INTRODUCTION_BYTES: Final = 240
NOTIFICATION_BYTES: Final = 300
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|<!doctype", re.IGNORECASE)


def set_notice(
    room: Room,
    *,
    actor: Actor,
    introduction: str | None = None,
    notification: str | None = None,
    expected_version: int | None = None,
) -> Room:
    """Change what is given and tell the room. Raises InvalidInput with the field that is wrong."""
    new_introduction = room.introduction if introduction is None else introduction.strip()
    new_notification = room.notification if notification is None else notification.strip()
    check_introduction(new_introduction)
    check_notification(new_notification)
    if (new_introduction, new_notification) == (room.introduction, room.notification):
        return room
    with transaction.atomic():
        rows = Room.objects.filter(pk=room.pk)
        if expected_version is not None:
            rows = rows.filter(version=expected_version)
        changed = rows.update(
            introduction=new_introduction,
            notification=new_notification,
            version=F("version") + 1,
            updated_at=timezone.now(),
        )
        if changed != 1:
            raise ChangedMeanwhile(_("Somebody else changed this room meanwhile. Reload to see the new values."))
        changes = {
            "introduction": [room.introduction, new_introduction],
            "notification": [room.notification, new_notification],
        }
        room.refresh_from_db()
        Notice.objects.create(
            room=room,
            introduction=new_introduction,
            notification=new_notification,
            actor_name=actor.name,
            actor_user=actor.user,
        )
        write_entry(room, verb="rooms.notice.set", actor=actor, changes=changes)
        telling.tell_notice(room, actor=actor)
        live.publish_on_commit(room.topic, "room", {"room": room.pk})
    return room


def check_introduction(text: str) -> None:
    _check("introduction", text, INTRODUCTION_BYTES)


def check_notification(text: str) -> None:
    _check("notification", text, NOTIFICATION_BYTES)


def read_notice(text: str) -> tuple[str, list[str]]:
    """What a client shows of a notice: its text and the addresses of its pictures."""
    form = _json_form(text)
    if form is None:
        return text, []
    images = form.get("images", [])
    addresses = images if isinstance(images, list) else []
    return str(form.get("text", "")), [image for image in addresses if isinstance(image, str)]


def _check(field: str, text: str, limit: int) -> None:
    size = len(text.encode())
    if size > limit:
        raise InvalidInput(
            field,
            _("This is %(size)d bytes long; Chat accepts at most %(limit)d (a Chinese character is 3).")
            % {"size": size, "limit": limit},
        )
    if _TAG.search(text):
        raise InvalidInput(
            field,
            _("HTML tags are not accepted: native clients would show them as text. Use plain text or JSON."),
        )
    if text.startswith("{"):
        _check_json_form(field, text)


def _check_json_form(field: str, text: str) -> None:
    form = _json_form(text)
    if form is None or not form.keys() <= {"text", "images"}:
        raise InvalidInput(
            field,
            _("A notice that starts with { must be JSON with “text” and “images”, a list of https addresses."),
        )
    images = form.get("images", [])
    if not isinstance(form.get("text", ""), str) or not isinstance(images, list):
        raise InvalidInput(field, _("“text” must be a string and “images” a list."))
    for image in images:
        if not isinstance(image, str) or not is_https(image):
            raise InvalidInput(field, _("Every picture needs an address that starts with https://."))


def _json_form(text: str) -> dict[str, object] | None:
    if not text.startswith("{"):
        return None
    try:
        form = json.loads(text)
    except ValueError:
        return None
    return form if isinstance(form, dict) else None
