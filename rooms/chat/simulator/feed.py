"""What each viewer's client receives, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from dataclasses import dataclass, field

import orjson

QUEUED_EVENTS = 2000


@dataclass(slots=True, eq=False)
class Subscription:
    """One open feed. A reader that falls too far behind loses the newest events, as a client would."""

    group_id: str
    account: str
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(QUEUED_EVENTS))

    def put(self, chunk: bytes | None) -> None:
        if not self.queue.full():
            self.queue.put_nowait(chunk)


class Feed:
    """Open feeds by group."""

    def __init__(self) -> None:
        self._open: dict[str, list[Subscription]] = {}

    def subscribe(self, group_id: str, account: str) -> Subscription:
        subscription = Subscription(group_id, account)
        self._open.setdefault(group_id, []).append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        subscriptions = self._open.get(subscription.group_id, [])
        if subscription in subscriptions:
            subscriptions.remove(subscription)
        if not subscriptions:
            self._open.pop(subscription.group_id, None)

    def publish(
        self,
        group_id: str,
        kind: str,
        data: dict[str, object],
        *,
        receivers: Container[str],
        only: str | None = None,
    ) -> None:
        """Send an event to the open feeds of those who are inside (`receivers` is anything with `in`)."""
        subscriptions = self._open.get(group_id)
        if not subscriptions:
            return
        chunk = b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **data}) + b"\n\n"
        for subscription in subscriptions:
            if only is not None and subscription.account != only:
                continue
            if only is not None or subscription.account in receivers:
                subscription.put(chunk)

    def close(self, group_id: str | None = None) -> None:
        """End the feeds of one group, or all."""
        for name in [group_id] if group_id is not None else list(self._open):
            for subscription in self._open.pop(name, []):
                subscription.put(None)
