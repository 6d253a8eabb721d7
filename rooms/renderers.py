"""What live events look like: each turns a payload of primary keys into swaps of a page's elements.

Rendered once for everybody who watches a topic, so nothing here depends on who looks: what only some may do is told
to reload itself (`refresh`), and its panel URL decides. The messages of a room have a topic of their own, because not
everybody who sees a room may read them.
"""

from typing import Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.template.loader import render_to_string

from rooms import feed, live, tiles
from rooms.access import may, visible_rooms
from rooms.live import Payload, Swap
from rooms.models import Message, Room
from rooms.views.panels import load_notice

# The panels of a room's page whose content depends on who looks.
_OWN_PANELS: Final = ("room-controls", "room-history")


def register() -> None:
    live.register_topic("wall", _may_watch_wall)
    live.register_topic("room", _may_watch_room)
    live.register_topic("feed", _may_watch_feed)
    live.register_renderer("messages", render_messages, is_state=False)
    live.register_renderer("members", render_members, is_state=True)
    live.register_renderer("room", render_room, is_state=True)
    live.register_renderer("commands", render_commands, is_state=True)
    live.register_renderer("tile", render_tile, is_state=True)
    live.register_renderer("numbers", render_numbers, is_state=True)


def render_messages(topic: str, payload: Payload) -> list[Swap]:
    """New rows, newest first; of a burst only what a page would show anyway."""
    ids = payload["ids"]
    newest = Message.objects.filter(pk__in=ids[-2 * feed.PAGE_SIZE :], room_id=payload["room"]).order_by("-seq")
    rows = feed.rows(newest[: feed.PAGE_SIZE])
    html = render_to_string("rooms/messages/_rows.html", {"rows": rows})
    return [Swap("feed-rows", "prepend", html, count=len(ids))] if rows else []


def render_members(topic: str, payload: Payload) -> list[Swap]:
    room = _room(payload)
    if room is None:
        return []
    return [*_numbers(room), Swap("room-members", "refresh")]


def render_room(topic: str, payload: Payload) -> list[Swap]:
    """A change an operator made: the facts and the notice for everybody, the rest reloads itself."""
    room = _room(payload)
    if room is None:
        return []
    facts = render_to_string("rooms/rooms/_facts.html", {"room": room, "hue": tiles.hue(room)})
    notice = render_to_string("rooms/notices/_notice.html", {"room": room, **load_notice(room)})
    return [
        Swap("room-facts", "replace", facts),
        Swap("room-notice", "replace", notice),
        Swap("room-announcement", "text", feed.status_sentence(room.status)),
        *(Swap(panel, "refresh") for panel in _OWN_PANELS),
        *_tile(room),
    ]


def render_commands(topic: str, payload: Payload) -> list[Swap]:
    return [Swap("room-commands", "refresh"), Swap("room-controls", "refresh")]


def render_tile(topic: str, payload: Payload) -> list[Swap]:
    """For those who see every room; the filters' counts are theirs, too."""
    room = _room(payload)
    if room is None:
        return []
    counts = tiles.status_counts(Room.objects.all())
    return [*_tile(room), *(Swap(f"wall-count-{entry.status}", "text", entry.count) for entry in counts)]


def render_numbers(topic: str, payload: Payload) -> list[Swap]:
    room = _room(payload)
    return _numbers(room) if room is not None else []


def _tile(room: Room) -> list[Swap]:
    context = {"tile": tiles.tile(room), "is_update": True}
    return [
        Swap(f"room-{room.pk}-tile", "replace", render_to_string("rooms/wall/_tile.html", context)),
        Swap(f"room-{room.pk}-row", "replace", render_to_string("rooms/wall/_row.html", context)),
    ]


def _numbers(room: Room) -> list[Swap]:
    return [
        Swap(f"room-{room.pk}-online", "text", str(room.online_count)),
        Swap(f"room-{room.pk}-peak", "text", str(room.peak_online_count)),
        Swap(f"room-{room.pk}-messages", "text", str(room.message_count)),
    ]


def _room(payload: Payload) -> Room | None:
    return Room.objects.with_anchor().filter(pk=payload["room"]).first()


def _may_watch_wall(user: AbstractBaseUser | AnonymousUser, rest: str) -> bool:
    return isinstance(user, PermissionsMixin) and not rest and user.has_perm("rooms.view_room")


def _may_watch_room(user: AbstractBaseUser | AnonymousUser, rest: str) -> bool:
    return _watched_room(user, rest) is not None


def _may_watch_feed(user: AbstractBaseUser | AnonymousUser, rest: str) -> bool:
    room = _watched_room(user, rest)
    return room is not None and isinstance(user, PermissionsMixin) and may(user, "rooms.view_message", room)


def _watched_room(user: AbstractBaseUser | AnonymousUser, rest: str) -> Room | None:
    if not isinstance(user, PermissionsMixin) or not rest.isdecimal() or len(rest) > 18:
        return None
    return visible_rooms(user).filter(pk=int(rest)).first()
