"""The REST API as a table: one handler for each service/command, added to by the modules beside this one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..webhooks import Origin
from .fields import Body, Fields

if TYPE_CHECKING:
    from ..hub import Simulator


@dataclass(frozen=True, slots=True)
class Call:
    """One verified REST call."""

    simulator: Simulator
    fields: Fields
    caller: str
    origin: Origin


Handler = Callable[[Call], Awaitable[Body]]


@dataclass(frozen=True, slots=True)
class Entry:
    """How one command is served. `rate` is its own limit a second, `bad_code` its code for a wrong field."""

    handler: Handler
    bad_code: int = 10004
    rate: int | None = None
    rate_code: int | None = None


GROUP = "group_open_http_svc"
LIVE_GROUP = "group_open_avchatroom_http_svc"
ATTRIBUTES = "group_open_attr_http_svc"
LOGIN = "im_open_login_svc"
PROFILE = "profile"


def table() -> dict[str, Entry]:
    """Every command the simulator knows, by `service/command`."""
    from . import accounts, attributes, groups, live_limits, members, messages

    found: dict[str, Entry] = {}
    for module in (accounts, groups, attributes, messages, members, live_limits):
        found.update(module.COMMANDS)
    return found
