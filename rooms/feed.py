"""What a person sees of a message: one row of the live feed, the same for pages and for live updates.

Turns stored messages into plain rows that a template only has to write down. May import models and
`rooms.chat.elements`; asks the database for nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from rooms.chat.elements import Element, read_command
from rooms.models import Message, Room
from rooms.tiles import STATUS_WORDS

Kind = Message.Kind

# What one look takes in: first page of a feed, and the most that one live update adds.
PAGE_SIZE: Final = 100


class Group(TextChoices):
    """What the feed can hide, and how a row looks: several kinds of message share one."""

    TEXT = "text", pgettext_lazy("what viewers say", "Chat")
    GIFT = "gift", gettext_lazy("Gifts")
    LIKE = "like", gettext_lazy("Likes")
    OPERATOR = "operator", gettext_lazy("Operators")
    WARNING = "warning", gettext_lazy("Warnings")
    SYSTEM = "system", gettext_lazy("System")


_GROUPS: Final = {
    Kind.GIFT: Group.GIFT,
    Kind.LIKE: Group.LIKE,
    Kind.HIGHLIGHT: Group.OPERATOR,
    Kind.WARNING: Group.WARNING,
    Kind.STATUS: Group.SYSTEM,
    Kind.NOTICE: Group.SYSTEM,
    Kind.CUSTOM: Group.SYSTEM,
}
_ICONS: Final = {
    Kind.GIFT: "gift",
    Kind.LIKE: "heart",
    Kind.HIGHLIGHT: "megaphone",
    Kind.WARNING: "alert",
    Kind.STATUS: "live",
    Kind.NOTICE: "bell",
}


@dataclass(frozen=True, slots=True)
class FeedRow:
    """`placeholders` stand for what cannot be shown as text: pictures, sounds, files."""

    seq: int
    kind: str
    group: str
    icon: str
    account: str
    text: str
    placeholders: tuple[str, ...]
    priority: str
    is_from_rest: bool
    sent_at: datetime


def rows(messages: Iterable[Message]) -> list[FeedRow]:
    return [_row(message) for message in messages]


def _row(message: Message) -> FeedRow:
    elements = [element for element in message.elements if isinstance(element, dict)]
    group = _GROUPS.get(Kind(message.kind), Group.OPERATOR if message.is_from_rest else Group.TEXT)
    return FeedRow(
        seq=message.seq,
        kind=message.kind,
        group=group,
        icon=_ICONS.get(Kind(message.kind), ""),
        account=message.account,
        text=_text(message, elements),
        placeholders=tuple(_placeholders(elements)),
        priority=message.priority,
        is_from_rest=message.is_from_rest,
        sent_at=message.sent_at,
    )


def _text(message: Message, elements: list[Element]) -> str:
    info = _info(elements)
    if message.kind == Kind.GIFT:
        name, count = message.text or _("A gift"), info.get("giftCount")
        return f"{name} × {count if isinstance(count, int) else 1}"
    if message.kind == Kind.LIKE:
        count = info.get("count", info.get("likeCount"))
        likes = count if isinstance(count, int) and count > 0 else 1
        return ngettext("Liked the room", "Liked the room %(count)d times", likes) % {"count": likes}
    if message.kind == Kind.STATUS:
        return status_sentence(message.text)
    if message.kind == Kind.NOTICE:
        return _("The notice was changed")
    if message.kind == Kind.CUSTOM:
        return message.text or _("Custom message")
    return message.text


def _info(elements: list[Element]) -> dict[str, object]:
    for element in elements:
        if (command := read_command(element)) is not None:
            return command[1]
    return {}


def status_sentence(status: str) -> str:
    word = str(STATUS_WORDS[Room.Status(status)]) if status in Room.Status.values else status
    return _("The room is now: %(status)s") % {"status": word}


def _placeholders(elements: list[Element]) -> Iterator[str]:
    for element in elements:
        kind = element.get("kind")
        if kind == "image":
            yield _("Picture")
        elif kind == "sound":
            yield _("Voice, %(seconds)s s") % {"seconds": element.get("seconds", "?")}
        elif kind == "video":
            yield _("Video, %(seconds)s s") % {"seconds": element.get("seconds", "?")}
        elif kind == "file":
            yield _("File: %(name)s") % {"name": element.get("name", "?")}
        elif kind == "face":
            yield _("Sticker")
        elif kind == "location":
            yield _("Place: %(name)s") % {"name": element.get("desc", "?")}
        elif kind == "relay":
            yield _("Forwarded messages: %(title)s") % {"title": element.get("title", "?")}
        elif kind == "other":
            yield _("Unknown element: %(type)s") % {"type": element.get("type") or "?"}
