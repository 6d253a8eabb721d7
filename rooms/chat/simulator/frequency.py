"""How often: a sliding second for calls, and the places a group has for messages in any second."""

from __future__ import annotations

from collections import deque

RANKS = {"High": 3, "Normal": 2, "Low": 1}


class SlidingSecond:
    """Counts what was let through in the last second."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def take(self, now: float, limit: int) -> bool:
        """Whether one more fits; only what fits is counted."""
        times = self._times
        while times and times[0] <= now - 1.0:
            times.popleft()
        if len(times) >= limit:
            return False
        times.append(now)
        return True


class MessagePlaces:
    """The places of one group: never more than the limit in any second, higher priority first.

    What is already delivered cannot be taken back, so a message that finds the second full of lower
    priorities books the next place that falls free and is delivered then; everything else is dropped.
    """

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places: deque[tuple[float, int]] = deque()

    def book(self, now: float, priority: str, *, limit: int, hold: float) -> float | None:
        """Seconds to wait for a place (0 is at once), or None for a silent drop."""
        rank = RANKS[priority]
        places = self._places
        while len(places) > limit or (places and places[0][0] <= now - 1.0):
            places.popleft()
        if limit <= 0:
            return None
        if len(places) < limit:
            # A booking may lie ahead of now; a later message never overtakes it.
            places.append((max(now, places[-1][0]) if places else now, rank))
            return max(0.0, places[-1][0] - now)
        at = max(places[0][0] + 1.0, places[-1][0])
        is_displacing = any(other < rank for _, other in places)
        if not is_displacing or at - now > hold:
            return None
        places.append((at, rank))
        return at - now
