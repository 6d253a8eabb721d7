"""Storing callbacks once and having them handled: the transaction behind the inbox.

`store_and_handle` is what `manage.py ingest` does with a batch: it drops what was seen before, stores the rest and
runs the handlers, all in one transaction, so a batch that dies half-way leaves nothing and is counted once.
May import models and dispatch; never the door or the stream.
"""

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import IntegrityError, InterfaceError, OperationalError, close_old_connections, transaction

from rooms import dispatch, live
from rooms.chat import protocol
from rooms.dispatch import Batch, Event
from rooms.inbox import Entry
from rooms.models import Room, WebhookDelivery

logger = logging.getLogger(__name__)

State = WebhookDelivery.State

# The database itself is gone or busy: the same again will do. Every other error is the callback's own.
_UNUSABLE: Final = (OperationalError, InterfaceError)
_NUL: Final = re.compile(rb"\\\\|(?P<nul>\\u0000)")


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery that may not be stored yet, beside its parsed body."""

    row: WebhookDelivery
    body: dict[str, Any]


def store_and_handle(entries: list[Entry]) -> int:
    """Store and handle what is new among the entries, in order; returns how many were new.

    Raises OperationalError or InterfaceError when the database cannot be used: then nothing happened. An entry whose
    handlers fail is stored as failed with the reason, and does not hold up the others.
    """
    try:
        return _handle_batch([_receive(entry) for entry in entries])
    except _UNUSABLE:
        raise
    except IntegrityError:
        # Another consumer stored one of these between our look and our insert; look again, one by one.
        logger.info("a batch of %d callbacks overlapped with another", len(entries))
    except Exception:
        logger.exception("a batch of %d callbacks failed, going on one by one", len(entries))
    return sum(_handle_alone(entry) for entry in entries)


def store_directly(entries: list[Entry]) -> None:
    """Without the stream: write callbacks to the table, where the ingest process finds them."""
    close_old_connections()
    rows = [_receive(entry).row for entry in entries]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)


def handle_stored(*, limit: int = 500) -> int:
    """Handle callbacks that were written straight to the table; returns how many."""
    try:
        return _handle_waiting(limit)
    except _UNUSABLE:
        raise
    except Exception:
        logger.exception("stored callbacks failed, going on one by one")
    handled = 0
    while handled < limit and _handle_next_waiting():
        handled += 1
    return handled


def _handle_waiting(limit: int) -> int:
    with transaction.atomic():
        rows = _waiting(limit)
        if not rows:
            return 0
        batch = _batch([Received(row, _parse(row.body.encode())) for row in rows])
        dispatch.handle(batch)
        for row in rows:
            row.state = _final_state(row.command)
        WebhookDelivery.objects.bulk_update(rows, ["state"])
    live.publish_many(batch.notes)
    return len(rows)


def _handle_next_waiting() -> bool:
    """Handle the oldest waiting callback, or note why it cannot be; False when none waits."""
    try:
        return _handle_waiting(1) == 1
    except _UNUSABLE:
        raise
    except Exception as error:
        with transaction.atomic():
            for row in _waiting(1):
                row.state, row.error = State.FAILED, _reason(error)
                row.save(update_fields=["state", "error"])
    return True


def _waiting(limit: int) -> list[WebhookDelivery]:
    rows = WebhookDelivery.objects.filter(state=State.RECEIVED).order_by("pk")[:limit]
    return list(rows.select_for_update(skip_locked=True) if _has_row_locks() else rows)


def _handle_batch(received: list[Received]) -> int:
    with transaction.atomic():
        fresh = _drop_known(received)
        if not fresh:
            return 0
        for item in fresh:
            item.row.state = _final_state(item.row.command)
        WebhookDelivery.objects.bulk_create(item.row for item in fresh)
        batch = _batch(fresh)
        dispatch.handle(batch)
    live.publish_many(batch.notes)
    return len(fresh)


def _handle_alone(entry: Entry) -> int:
    try:
        return _handle_batch([_receive(entry)])
    except _UNUSABLE:
        raise
    except Exception as error:
        delivery = _receive(entry).row
        delivery.state, delivery.error = State.FAILED, _reason(error)
    return 1 if _is_added(delivery) else 0


def _is_added(delivery: WebhookDelivery) -> bool:
    """Whether this delivery was not known before."""
    if WebhookDelivery.objects.filter(dedupe_key=delivery.dedupe_key).exists():
        return False
    WebhookDelivery.objects.bulk_create([delivery], ignore_conflicts=True)
    return True


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\x00", "\ufffd")[:500]


def _drop_known(received: list[Received]) -> list[Received]:
    by_key: dict[str, Received] = {}
    for item in received:
        by_key.setdefault(item.row.dedupe_key, item)
    known = WebhookDelivery.objects.filter(dedupe_key__in=by_key).values_list("dedupe_key", flat=True)
    for key in list(known):
        del by_key[key]
    return list(by_key.values())


def _receive(entry: Entry) -> Received:
    body = _parse(entry.raw)
    group_id = body.get("GroupId")
    row = WebhookDelivery(
        dedupe_key=protocol.dedupe_key(entry.command, body, entry.raw, entry.request_time),
        command=entry.command,
        group_id=group_id[:64] if isinstance(group_id, str) else "",
        platform=entry.platform,
        body=entry.raw.decode("utf-8", "replace"),
        decision=entry.decision,
        event_at=protocol.event_time(body),
        received_at=datetime.fromtimestamp(entry.received_at, UTC),
    )
    return Received(row, body)


def _batch(received: list[Received]) -> Batch:
    group_ids = {item.row.group_id for item in received if item.row.group_id}
    rooms = dict(Room.objects.filter(group_id__in=group_ids).values_list("group_id", "pk"))
    return Batch([_event(item) for item in received], rooms)


def _event(item: Received) -> Event:
    row = item.row
    return Event(
        command=row.command,
        callback=protocol.parse_callback(row.command, item.body),
        decision=row.decision,
        platform=row.platform,
        received_at=row.received_at,
    )


def _parse(raw: bytes) -> dict[str, Any]:
    if rb"\u0000" in raw:
        # PostgreSQL stores NUL in neither text nor JSON; the raw body keeps it, escaped.
        raw = _NUL.sub(lambda found: rb"\ufffd" if found["nul"] else found[0], raw)
    try:
        return protocol.read_body(raw)
    except ValueError:
        return {}


def _final_state(command: str) -> "WebhookDelivery.State":
    if dispatch.is_handled(command):
        return State.HANDLED
    return State.IGNORED if command in dispatch.IGNORED else State.UNKNOWN


def _has_row_locks() -> bool:
    return bool(transaction.get_connection().features.has_select_for_update_skip_locked)
