"""Faults on order: the next calls of one REST command or webhook misbehave."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("delay", "http", "code", "drop")


@dataclass(slots=True)
class Fault:
    """One order. What `value` means depends on the kind; see `Faults.add`."""

    command: str
    kind: str
    value: float
    times: int


class Faults:
    """Orders by command, taken first come, first served."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """delay: the answer comes `value` seconds late. http: that HTTP status instead of an answer.
        code: that ErrorCode instead of the action. drop: no answer at all (value 1: the call is carried out
        first), or a webhook that is never sent.
        """
        self._orders.append(fault)

    def take(self, *names: str) -> Fault | None:
        """The next fault ordered under one of these names, counted down."""
        if not self._orders:
            return None
        for order in self._orders:
            if order.command in names:
                order.times -= 1
                if order.times <= 0:
                    self._orders.remove(order)
                return order
        return None

    def clear(self) -> None:
        self._orders.clear()

    def listed(self) -> list[dict[str, object]]:
        return [
            {"command": order.command, "kind": order.kind, "value": order.value, "times": order.times}
            for order in self._orders
        ]
