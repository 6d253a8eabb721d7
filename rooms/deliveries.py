"""Storing callbacks once and having them handled: the transaction behind the inbox.

`store_and_handle` is what `manage.py ingest` does with a batch: it drops what was seen before, stores the rest and
runs the handlers, all in one transaction, so a batch that dies half-way leaves nothing and is counted once.
May import models and dispatch; never the door or the stream.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import DatabaseError, IntegrityError, close_old_connections, transaction

from rooms import dispatch, live
from rooms.chat import protocol
from rooms.dispatch import Batch, Event
from rooms.inbox import Entry
from rooms.models import Room, WebhookDelivery

logger = logging.getLogger(__name__)

State = WebhookDelivery.State


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery that may not be stored yet, beside its parsed body."""

    row: WebhookDelivery
    body: dict[str, Any]


def store_and_handle(entries: list[Entry]) -> int:
    """Store and handle what is new among the entries, in order; returns how many were new.

    Raises DatabaseError when the database cannot be used: then nothing happened. An entry whose handlers fail is
    stored as failed with the reason, and does not hold up the others.
    """
    try:
        return _handle_batch([_receive(entry) for entry in entries])
    except IntegrityError:
        # Another consumer stored one of these between our look and our insert; look again.
        return _handle_batch([_receive(entry) for entry in entries])
    except DatabaseError:
        raise
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
    with transaction.atomic():
        waiting = WebhookDelivery.objects.filter(state=State.RECEIVED).order_by("pk")[:limit]
        rows = list(waiting.select_for_update(skip_locked=True) if _has_row_locks() else waiting)
        if not rows:
            return 0
        batch = _batch([Received(row, _parse(row.body.encode())) for row in rows])
        dispatch.handle(batch)
        for row in rows:
            row.state = _final_state(row.command)
        WebhookDelivery.objects.bulk_update(rows, ["state"])
    live.publish_many(batch.notes)
    return len(rows)


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
    except DatabaseError as error:
        if not isinstance(error, IntegrityError):
            raise
        reason = error.__class__.__name__
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    delivery = _receive(entry).row
    delivery.state, delivery.error = State.FAILED, reason[:500]
    return len(WebhookDelivery.objects.bulk_create([delivery], ignore_conflicts=True))


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
    body = orjson.loads(raw)
    if rb"\u0000" in raw:
        # PostgreSQL stores NUL in neither text nor JSON; the raw body keeps it, escaped.
        body = _without_nul(body)
    return body if isinstance(body, dict) else {}


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return value


def _final_state(command: str) -> "WebhookDelivery.State":
    if dispatch.is_handled(command):
        return State.HANDLED
    return State.IGNORED if command in dispatch.IGNORED else State.UNKNOWN


def _has_row_locks() -> bool:
    return bool(transaction.get_connection().features.has_select_for_update_skip_locked)
