"""What passed over the wire lately: REST calls received and webhooks sent, in bounded rings."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from .http import read_json

KEPT_RECORDS = 25_000
KEPT_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class CallRecord:
    number: int
    at: float
    service: str
    command: str
    identifier: str
    body: bytes
    code: int
    milliseconds: float


@dataclass(slots=True)
class WebhookRecord:
    number: int
    at: float
    command: str
    body: bytes
    attempt: int
    status: int
    code: int | None
    milliseconds: float
    error: str


R = TypeVar("R", CallRecord, WebhookRecord)


class Ring(Generic[R]):
    """The newest records, at most so many and so many bytes of bodies."""

    def __init__(self) -> None:
        self._records: deque[R] = deque()
        self._bytes = 0
        self.total = 0

    def add(self, record: R) -> None:
        self.total += 1
        record.number = self.total
        self._records.append(record)
        self._bytes += len(record.body)
        while len(self._records) > KEPT_RECORDS or self._bytes > KEPT_BYTES:
            self._bytes -= len(self._records.popleft().body)

    def clear(self) -> None:
        self._records.clear()
        self._bytes = 0

    def listed(self, *, command: str, since: int, limit: int) -> list[dict[str, object]]:
        """Records after number `since`, newest last; of one command when it is named."""
        chosen = [
            record for record in self._records if record.number > since and (not command or record.command == command)
        ]
        return [_shown(record) for record in chosen[-limit:]]


def _shown(record: CallRecord | WebhookRecord) -> dict[str, object]:
    try:
        body = read_json(record.body)
    except ValueError:
        body = record.body[:2000].decode("utf-8", "replace")
    shown: dict[str, object] = {
        name: getattr(record, name) for name in record.__slots__ if name not in ("body", "milliseconds")
    }
    return {**shown, "milliseconds": round(record.milliseconds, 2), "body": body}
