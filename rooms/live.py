"""Live topics: what changed, published after commit and told to every browser that watches.

A publisher names a topic (`room:12`), an event and a small payload of primary keys. Each web process renders an event
once for all who watch it (`rooms.live_hub`). Apps register their renderers and topic rules when they start.
May import Redis and Django; never services, views or models.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from redis import RedisError

from rooms import redis

logger = logging.getLogger(__name__)

# Enough for the reconnects of a restart; who comes later is told to reload.
STREAM_LENGTH: Final = 20_000

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Swap:
    """One change to a page: `how` is prepend, append, replace, inner, text or refresh; `target` an element id."""

    target: str
    how: str
    html: str = ""
    count: int = 1

    def as_data(self, topic: str) -> dict[str, Any]:
        data = asdict(self)
        data["swap"] = data.pop("how")
        return {"topic": topic, **data}


@dataclass(frozen=True, slots=True)
class Renderer:
    """`is_state`: only the newest counts, so renders may be merged and are repeated to whoever reconnects."""

    render: Callable[[str, Payload], list[Swap]]
    is_state: bool


_renderers: dict[str, Renderer] = {}
_topic_rules: dict[str, Callable[[AbstractBaseUser | AnonymousUser, str], bool]] = {}


def register_renderer(event: str, render: Callable[[str, Payload], list[Swap]], *, is_state: bool) -> None:
    """`render(topic, payload)` runs in a thread, in the watcher's language, and may use the database."""
    _renderers[event] = Renderer(render, is_state)


def register_topic(kind: str, rule: Callable[[AbstractBaseUser | AnonymousUser, str], bool]) -> None:
    """`rule(user, rest)` says whether the user may watch `kind:rest`."""
    _topic_rules[kind] = rule


def renderer(event: str) -> Renderer | None:
    return _renderers.get(event)


def may_watch(user: AbstractBaseUser | AnonymousUser, topic: str) -> bool:
    kind, _, rest = topic.partition(":")
    rule = _topic_rules.get(kind)
    return rule is not None and rule(user, rest)


def publish(topic: str, event: str, payload: Payload) -> None:
    """Tell watchers now. Live updates are a convenience: a lost Redis is logged and nothing else suffers."""
    publish_many([(topic, event, payload)])


def publish_many(notes: list[tuple[str, str, Payload]]) -> None:
    if not notes:
        return
    try:
        pipeline = redis.connection().pipeline(transaction=False)
        for topic, event, payload in notes:
            fields: dict[Any, Any] = {"topic": topic, "event": event, "payload": orjson.dumps(payload)}
            pipeline.xadd(redis.LIVE_STREAM, fields, maxlen=STREAM_LENGTH, approximate=True)
        pipeline.execute()
    except RedisError as error:
        logger.warning("live updates not published: %s", error)


def position() -> str:
    """The id of the newest event, for a page that is about to be rendered; empty where there is none to be had."""
    try:
        newest: Any = redis.connection().xrevrange(redis.LIVE_STREAM, count=1)
    except RedisError as error:
        logger.warning("live position unknown: %s", error)
        return ""
    return str(newest[0][0], "ascii") if newest else ""


def publish_on_commit(topic: str, event: str, payload: Payload) -> None:
    transaction.on_commit(lambda: publish(topic, event, payload))
