"""Pages of rooms by keyset: each starts after the last row of the one before, so a deep page costs what the first does.

A cursor is what the last row was sorted by, as JSON in base64. It carries nothing secret and is never trusted: what
does not parse starts at the beginning.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.utils.dateparse import parse_datetime

from rooms.models import Room

PAGE_SIZE: Final = 48


@dataclass(frozen=True, slots=True)
class Order:
    """How rooms are sorted: ordering, the sort value of a room, and the rows that come after a value."""

    ordering: tuple[str | OrderBy, ...]
    value: Callable[[Room], Any]
    after: Callable[[Any, int], Q]


@dataclass(frozen=True, slots=True)
class Page:
    rooms: list[Room]
    next_cursor: str


def _after_online(value: Any, pk: int) -> Q:
    return Q(online_count__lte=int(value)) & (Q(online_count__lt=int(value)) | Q(pk__lt=pk))


def _after_title(value: Any, pk: int) -> Q:
    return Q(title__gte=str(value)) & (Q(title__gt=str(value)) | Q(pk__lt=pk))


def _after_scheduled(value: Any, pk: int) -> Q:
    """Soonest first; rooms without a time come last."""
    if value is None:
        return Q(scheduled_at__isnull=True, pk__lt=pk)
    at = parse_datetime(str(value))
    if at is None or at.tzinfo is None:
        raise ValueError(value)
    return Q(scheduled_at__gt=at) | Q(scheduled_at=at, pk__lt=pk) | Q(scheduled_at__isnull=True)


ORDERS: Final[dict[str, Order]] = {
    "online": Order(("-online_count", "-pk"), lambda room: room.online_count, _after_online),
    "newest": Order(("-pk",), lambda room: 0, lambda value, pk: Q(pk__lt=pk)),
    "title": Order(("title", "-pk"), lambda room: room.title, _after_title),
    "scheduled": Order(
        (F("scheduled_at").asc(nulls_last=True), "-pk"),
        lambda room: _iso(room.scheduled_at),
        _after_scheduled,
    ),
}


def page_of(rooms: QuerySet[Room], *, sort: str, cursor: str = "", size: int = PAGE_SIZE) -> Page:
    """One page, in one query; `next_cursor` is empty on the last."""
    order = ORDERS[sort]
    rooms = rooms.order_by(*order.ordering)
    if (place := _read(cursor)) is not None:
        try:
            rooms = rooms.filter(order.after(*place))
        except (ValueError, TypeError):
            place = None
    found = list(rooms[: size + 1])
    has_more = len(found) > size
    found = found[:size]
    return Page(found, _write(order.value(found[-1]), found[-1].pk) if has_more else "")


def _write(value: Any, pk: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([value, pk]).encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[Any, int] | None:
    try:
        value, pk = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error):
        return None
    is_place = isinstance(pk, int) and 0 < pk < 2**63 and (value is None or isinstance(value, str | int))
    return (value, pk) if is_place and _is_storable(value) else None


def _is_storable(value: object) -> bool:
    """Whether a database takes it as text: neither NUL nor half a character."""
    text = str(value)
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
