"""A room's life: create, edit, start, pause, resume, end, publish the replay.

`to_be_started -> on_live <-> paused -> ended -> played_back`; nothing goes back. A step is a conditional update that
must change exactly one row, so of two operators at once exactly one wins.
"""

import secrets
from datetime import datetime
from typing import Any, Final, Literal

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from rooms import live
from rooms.actors import Actor
from rooms.addresses import is_https
from rooms.errors import ChangedMeanwhile, InvalidInput, WrongStatus
from rooms.models import Notice, Room, User
from rooms.models.rooms import group_id_validator
from rooms.services import telling
from rooms.services.audit import write_entry
from rooms.services.notices import check_introduction, check_notification

Status = Room.Status

NEXT_STATUSES: Final[dict[str, tuple[Status, ...]]] = {
    Status.TO_BE_STARTED: (Status.ON_LIVE,),
    Status.ON_LIVE: (Status.PAUSED, Status.ENDED),
    Status.PAUSED: (Status.ON_LIVE, Status.ENDED),
    Status.ENDED: (Status.PLAYED_BACK,),
    Status.PLAYED_BACK: (),
}
COVER_BYTES: Final = 100


def create_room(
    *,
    actor: Actor,
    title: str,
    anchor: User,
    group_id: str = "",
    cover_url: str = "",
    scheduled_at: datetime | None = None,
    introduction: str = "",
    notification: str = "",
) -> Room:
    """Create a room and, through the outbox, its Chat group. Raises InvalidInput; nothing is kept then."""
    title = _checked_title(title)
    if not anchor.account:
        raise InvalidInput("anchor", _("This person has no Chat account and cannot be an anchor."))
    if group_id:
        _check_group_id(group_id)
    _check_cover(cover_url)
    check_introduction(introduction)
    check_notification(notification)
    try:
        with transaction.atomic():
            room = Room.objects.create(
                title=title,
                anchor=anchor,
                group_id=group_id or f"room_{secrets.token_hex(6)}",
                cover_url=cover_url,
                scheduled_at=scheduled_at,
                introduction=introduction,
                notification=notification,
            )
            if introduction or notification:
                Notice.objects.create(
                    room=room,
                    introduction=introduction,
                    notification=notification,
                    actor_name=actor.name,
                    actor_user=actor.user,
                )
            write_entry(room, verb="rooms.room.created", actor=actor, changes={"title": title, "anchor": anchor.pk})
            telling.create_group(room, actor=actor)
            live.publish_on_commit("wall", "tile", {"room": room.pk})
    except IntegrityError as error:
        raise InvalidInput("group_id", _("Another room has this group id.")) from error
    return room


def edit_room(
    room: Room,
    *,
    actor: Actor,
    expected_version: int | None = None,
    title: str | None = None,
    cover_url: str | None = None,
    scheduled_at: datetime | Literal[False] | None = False,
) -> Room:
    """Change what is given; `scheduled_at=False` leaves the time alone, None removes it.

    With `expected_version`, raises ChangedMeanwhile if somebody else changed the room since that version.
    """
    changes: dict[str, Any] = {}
    if title is not None:
        changes["title"] = _checked_title(title)
    if cover_url is not None:
        _check_cover(cover_url)
        changes["cover_url"] = cover_url
    if scheduled_at is not False:
        changes["scheduled_at"] = scheduled_at
    changes = {name: value for name, value in changes.items() if getattr(room, name) != value}
    if not changes:
        return room
    with transaction.atomic():
        rows = Room.objects.filter(pk=room.pk)
        if expected_version is not None:
            rows = rows.filter(version=expected_version)
        if rows.update(**changes, version=F("version") + 1, updated_at=timezone.now()) != 1:
            raise ChangedMeanwhile(_("Somebody else changed this room meanwhile. Reload to see the new values."))
        before = {name: [_plain(getattr(room, name)), _plain(value)] for name, value in changes.items()}
        room.refresh_from_db()
        write_entry(room, verb="rooms.room.edited", actor=actor, changes=before)
        if {"title", "cover_url"} & changes.keys():
            telling.tell_profile(room, actor=actor)
        _publish(room)
    return room


def start_room(room: Room, *, actor: Actor) -> Room:
    return _change_status(
        room,
        actor=actor,
        allowed=[Status.TO_BE_STARTED],
        to=Status.ON_LIVE,
        verb="started",
        started_at=timezone.now(),
    )


def pause_room(room: Room, *, actor: Actor) -> Room:
    return _change_status(
        room, actor=actor, allowed=[Status.ON_LIVE], to=Status.PAUSED, verb="paused", paused_at=timezone.now()
    )


def resume_room(room: Room, *, actor: Actor) -> Room:
    return _change_status(room, actor=actor, allowed=[Status.PAUSED], to=Status.ON_LIVE, verb="resumed", paused_at=None)


def end_room(room: Room, *, actor: Actor) -> Room:
    return _change_status(
        room,
        actor=actor,
        allowed=[Status.ON_LIVE, Status.PAUSED],
        to=Status.ENDED,
        verb="ended",
        ended_at=timezone.now(),
        paused_at=None,
    )


def publish_replay(room: Room, *, actor: Actor, replay_url: str) -> Room:
    """Make an ended room's recording public at an https address."""
    if not is_https(replay_url) or len(replay_url) > 500:
        raise InvalidInput("replay_url", _("Give the replay's address; it starts with https://."))
    return _change_status(
        room,
        actor=actor,
        allowed=[Status.ENDED],
        to=Status.PLAYED_BACK,
        verb="replay_published",
        replay_url=replay_url,
        replay_published_at=timezone.now(),
    )


def _change_status(room: Room, *, actor: Actor, allowed: list[Status], to: Status, verb: str, **fields: Any) -> Room:
    with transaction.atomic():
        # Held until the end, so that whoever comes second is judged by the status the first one left.
        before = Room.objects.select_for_update().filter(pk=room.pk).values_list("status", flat=True).get()
        moved = Room.objects.filter(pk=room.pk, status=before, status__in=allowed).update(
            status=to, version=F("version") + 1, updated_at=timezone.now(), **fields
        )
        if moved != 1:
            current = Status(Room.objects.filter(pk=room.pk).values_list("status", flat=True).get())
            raise WrongStatus(
                _("This room is “%(current)s”; it cannot become “%(wanted)s” from there.")
                % {"current": current.label, "wanted": to.label}
            )
        room.refresh_from_db()
        write_entry(room, verb=f"rooms.room.{verb}", actor=actor, changes={"status": [before, to.value]})
        telling.tell_status(room, actor=actor)
        _publish(room)
    return room


def _publish(room: Room) -> None:
    live.publish_on_commit(room.topic, "room", {"room": room.pk})
    live.publish_on_commit("wall", "tile", {"room": room.pk})


def _checked_title(title: str) -> str:
    title = " ".join(title.split())
    if not title or len(title) > 100:
        raise InvalidInput("title", _("Give a title of 1 to 100 characters."))
    return title


def _check_cover(cover_url: str) -> None:
    """Empty, or an https address that fits Chat's FaceUrl."""
    if not cover_url:
        return
    if not is_https(cover_url):
        raise InvalidInput("cover_url", _("Give an address that starts with https://."))
    if len(cover_url.encode()) > COVER_BYTES:
        raise InvalidInput("cover_url", _("Chat accepts at most %(limit)d bytes here.") % {"limit": COVER_BYTES})


def _check_group_id(group_id: str) -> None:
    if not group_id_validator.regex.match(group_id):  # type: ignore[union-attr]
        raise InvalidInput("group_id", str(group_id_validator.message))
    if Room.objects.filter(group_id=group_id).exists():
        raise InvalidInput("group_id", _("Another room has this group id."))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
