"""Storing callbacks once and having them handled: the transaction behind the inbox.

`store_and_handle` is what `manage.py ingest` does with a batch: it drops what was seen before, stores the rest and
runs the handlers, all in one transaction, so a batch that dies half-way leaves nothing and is counted once.
May import models and dispatch; never the door or the stream.
"""

import logging
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


def store_and_handle(entries: list[Entry]) -> int:
    """Store and handle what is new among the entries, in order; returns how many were new.

    Raises DatabaseError when the database cannot be used: then nothing happened. An entry whose handlers fail is
    stored as failed with the reason, and does not hold up the others.
    """
    try:
        return _handle_batch([_delivery(entry) for entry in entries])
    except IntegrityError:
        # Another consumer stored one of these between our look and our insert; look again.
        return _handle_batch([_delivery(entry) for entry in entries])
    except DatabaseError:
        raise
    except Exception:
        logger.exception("a batch of %d callbacks failed, going on one by one", len(entries))
    return sum(_handle_alone(entry) for entry in entries)


def store_directly(entries: list[Entry]) -> None:
    """Without the stream: write callbacks to the table, where the ingest process finds them."""
    close_old_connections()
    rows = [_delivery(entry) for entry in entries]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)


def handle_stored(*, limit: int = 500) -> int:
    """Handle callbacks that were written straight to the table; returns how many."""
    with transaction.atomic():
        waiting = WebhookDelivery.objects.filter(state=State.RECEIVED).order_by("pk")[:limit]
        rows = list(waiting.select_for_update(skip_locked=True) if _has_row_locks() else waiting)
        if not rows:
            return 0
        batch = _batch(rows)
        dispatch.handle(batch)
        for row in rows:
            row.state = _final_state(row.command)
        WebhookDelivery.objects.bulk_update(rows, ["state"])
    live.publish_many(batch.notes)
    return len(rows)


def _handle_batch(deliveries: list[WebhookDelivery]) -> int:
    with transaction.atomic():
        fresh = _drop_known(deliveries)
        if not fresh:
            return 0
        for delivery in fresh:
            delivery.state = _final_state(delivery.command)
        WebhookDelivery.objects.bulk_create(fresh)
        batch = _batch(fresh)
        dispatch.handle(batch)
    live.publish_many(batch.notes)
    return len(fresh)


def _handle_alone(entry: Entry) -> int:
    try:
        return _handle_batch([_delivery(entry)])
    except DatabaseError as error:
        if not isinstance(error, IntegrityError):
            raise
        reason = error.__class__.__name__
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    delivery = _delivery(entry)
    delivery.state, delivery.error = State.FAILED, reason[:500]
    return len(WebhookDelivery.objects.bulk_create([delivery], ignore_conflicts=True))


def _drop_known(deliveries: list[WebhookDelivery]) -> list[WebhookDelivery]:
    by_key: dict[str, WebhookDelivery] = {}
    for delivery in deliveries:
        by_key.setdefault(delivery.dedupe_key, delivery)
    known = WebhookDelivery.objects.filter(dedupe_key__in=by_key).values_list("dedupe_key", flat=True)
    for key in list(known):
        del by_key[key]
    return list(by_key.values())


def _delivery(entry: Entry) -> WebhookDelivery:
    body = _body(entry.raw)
    group_id = body.get("GroupId")
    return WebhookDelivery(
        dedupe_key=protocol.dedupe_key(entry.command, body, entry.raw, entry.request_time),
        command=entry.command,
        group_id=group_id[:64] if isinstance(group_id, str) else "",
        platform=entry.platform,
        # PostgreSQL's text knows no NUL; JSON may only carry it escaped, which stays as it is.
        body=entry.raw.decode("utf-8", "replace"),
        decision=entry.decision,
        event_at=protocol.event_time(body),
        received_at=datetime.fromtimestamp(entry.received_at, UTC),
    )


def _batch(deliveries: list[WebhookDelivery]) -> Batch:
    group_ids = {delivery.group_id for delivery in deliveries if delivery.group_id}
    rooms = dict(Room.objects.filter(group_id__in=group_ids).values_list("group_id", "pk"))
    return Batch([_event(delivery) for delivery in deliveries], rooms)


def _event(delivery: WebhookDelivery) -> Event:
    return Event(
        command=delivery.command,
        callback=protocol.parse_callback(delivery.command, _body(delivery.body)),
        decision=delivery.decision,
        platform=delivery.platform,
        received_at=delivery.received_at,
    )


def _body(raw: bytes | str) -> dict[str, Any]:
    body = orjson.loads(raw)
    return body if isinstance(body, dict) else {}


def _final_state(command: str) -> "WebhookDelivery.State":
    if dispatch.is_handled(command):
        return State.HANDLED
    return State.IGNORED if command in dispatch.IGNORED else State.UNKNOWN


def _has_row_locks() -> bool:
    return bool(transaction.get_connection().features.has_select_for_update_skip_locked)
