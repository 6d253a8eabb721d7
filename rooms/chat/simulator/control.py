"""The control calls under /sim/ (DESIGN §5): what viewers do, what is seen, what should go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from .codes import RefusedError
from .crowd import CrowdOrder
from .faults import KINDS, Fault
from .http import BodyTooLargeError, Request, read_json
from .hub import Simulator
from .page import serve_asset, serve_index, serve_view
from .pipeline import show_message
from .presence import PLATFORMS, REASONS
from .settings import SettingError
from .world import Group, is_account_id

MAX_CONTROL_BODY = 256 * 1024
KEEP_ALIVE_SECONDS = 15.0
Body = dict[str, object]


class BadRequestError(Exception):
    """The control call itself is wrong: 400, or another status."""

    def __init__(self, text: str, status: int = 400) -> None:
        self.text = text
        self.status = status
        super().__init__(text)


class Control:
    """Answers everything under /sim/."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._plain: dict[tuple[str, str], Callable[[Request], Awaitable[None]]] = {
            ("GET", "health"): self._health,
            ("POST", "reset"): self._reset,
            ("GET", "groups"): self._groups,
            ("GET", "calls"): self._calls,
            ("DELETE", "calls"): self._forget_calls,
            ("GET", "webhooks"): self._webhooks,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "settings"): self._settings,
            ("POST", "settings"): self._change_settings,
            ("POST", "clock"): self._clock,
            ("GET", "crowd"): self._list_crowds,
            ("POST", "crowd"): self._start_crowd,
            ("DELETE", "crowd"): self._stop_crowds,
        }
        self._of_group: dict[tuple[str, str], Callable[[Request, Group], Awaitable[None]]] = {
            ("GET", ""): self._show_group,
            ("POST", "join"): self._join,
            ("POST", "leave"): self._leave,
            ("POST", "messages"): self._speak,
            ("GET", "feed"): self._feed,
            ("GET", "view"): serve_view,
        }

    async def answer(self, request: Request) -> None:
        """Serve one control call; a mistake is 400 with a sentence, an unknown group 404."""
        try:
            await self._route(request, request.segments[1:])
        except BadRequestError as problem:
            await request.json({"error": problem.text}, status=problem.status)
        except SettingError as problem:
            await request.json({"error": str(problem)}, status=400)
        except BodyTooLargeError:
            await request.json({"error": "The body is too large."}, status=413)
        except ValueError:
            await request.json({"error": "The query could not be read."}, status=400)
        except ConnectionError:
            return

    async def _route(self, request: Request, path: list[str]) -> None:
        if not path:
            await serve_index(request, self._simulator)
        elif path[0] == "assets" and len(path) == 2:
            await serve_asset(request, path[1])
        elif path[0] == "groups" and len(path) in (2, 3):
            handler = self._of_group.get((request.method, path[2] if len(path) == 3 else ""))
            if handler is None:
                raise BadRequestError("There is no such control call.", 404)
            group = self._simulator.world.groups.get(path[1])
            if group is None:
                raise BadRequestError(f"There is no group {path[1][:96]}.", 404)
            await handler(request, group)
        elif path[0] == "accounts" and len(path) == 3 and path[2] == "state" and request.method == "POST":
            await self._change_state(request, path[1])
        else:
            plain = self._plain.get((request.method, path[0])) if len(path) == 1 else None
            if plain is None:
                raise BadRequestError("There is no such control call.", 404)
            await plain(request)

    # The world

    async def _health(self, request: Request) -> None:
        webhooks = self._simulator.webhooks
        await request.json(
            {
                "ok": True,
                "groups": len(self._simulator.world.groups),
                "calls": self._simulator.calls.total,
                "webhooks": {**webhooks.tally, "unfinished": webhooks.unfinished_count},
                "speed": self._simulator.clock.speed,
                "now": self._simulator.clock.now(),
            }
        )

    async def _reset(self, request: Request) -> None:
        self._simulator.reset()
        await request.json({"ok": True})

    async def _groups(self, request: Request) -> None:
        shown = [
            {
                "group_id": group.group_id,
                "name": group.name,
                "owner": group.owner,
                "status": group.attributes.get("room_status") or group.custom.get("room_status", ""),
                "online_count": group.online_count,
                "tally": dict(group.tally),
            }
            for group in self._simulator.world.groups.values()
        ]
        await request.json({"groups": shown})

    async def _show_group(self, request: Request, group: Group) -> None:
        simulator = self._simulator
        now = simulator.clock.now()
        await request.json(
            {
                "group_id": group.group_id,
                "profile": {
                    "name": group.name,
                    "type": group.type,
                    "owner": group.owner,
                    "introduction": group.introduction,
                    "notification": group.notification,
                    "face_url": group.face_url,
                    "mute_all": group.is_mute_all,
                    "created_at": int(group.created_at),
                    "custom": group.custom,
                },
                "attributes": group.attributes,
                "counters": group.counters,
                "online_count": group.online_count,
                "members": [
                    {
                        "account": member.account,
                        "nick": simulator.world.nick(member.account),
                        "joined_at": member.joined_at,
                        "platforms": list(member.platforms),
                        "is_online": member.is_online,
                    }
                    for member in group.members.values()
                ],
                "muted": {name: until for name in list(group.mutes) if (until := group.muted_until(name, now))},
                "banned": {name: until for name in list(group.bans) if (until := group.banned_until(name, now))},
                "messages": [show_message(simulator.world, group, message) for message in group.messages],
                "tally": dict(group.tally),
            }
        )

    # Viewers

    async def _join(self, request: Request, group: Group) -> None:
        body = await self._body(request)
        account, platform = _account(body.get("account")), _platform(body) or "Web"
        try:
            is_new = await self._simulator.presence.join(group, account, platform)
        except RefusedError as refusal:
            await request.json({"joined": False, "code": refusal.code, "info": refusal.info})
            return
        await request.json({"joined": True, "code": 0, "info": "", "already": not is_new})

    async def _leave(self, request: Request, group: Group) -> None:
        body = await self._body(request)
        left = self._simulator.presence.leave(group, _account(body.get("account")), _platform(body))
        await request.json({"left": left, "code": 0, "info": ""})

    async def _speak(self, request: Request, group: Group) -> None:
        body = await self._body(request)
        account = _account(body.get("account"))
        priority, cloud = body.get("priority", "Normal"), body.get("cloud_custom_data", "")
        number = body.get("random")
        if not isinstance(priority, str) or not isinstance(cloud, str):
            raise BadRequestError("priority and cloud_custom_data must be strings.")
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**32):
            raise BadRequestError("random must be an unsigned 32-bit integer.")
        elements: object = body.get("elements")
        if elements is None:
            text = body.get("text")
            if not isinstance(text, str) or not text:
                raise BadRequestError("Say something: text or elements.")
            elements = [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}]
        try:
            outcome = await self._simulator.speak(
                group,
                account,
                elements=elements,
                priority=priority,
                cloud_custom_data=cloud,
                random_number=number,
            )
        except RefusedError as refusal:
            await request.json({"delivered": False, "code": refusal.code, "info": refusal.info, "seq": None})
            return
        seq = outcome.seq if outcome.is_delivered else None
        await request.json({"delivered": outcome.is_delivered, "code": 0, "info": "", "seq": seq})

    async def _feed(self, request: Request, group: Group) -> None:
        account = _account(request.query().get("account"))
        subscription = self._simulator.feed.subscribe(group.group_id, account)
        gone = asyncio.create_task(_until_gone(request))
        try:
            await request.send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [
                        (b"content-type", b"text/event-stream"),
                        (b"cache-control", b"no-store"),
                        (b"x-accel-buffering", b"no"),
                    ],
                }
            )
            chunk: bytes | None = b": open\n\n"
            while chunk is not None:
                await request.send({"type": "http.response.body", "body": chunk, "more_body": True})
                chunk = await _next_chunk(subscription.queue, gone)
            if not gone.done():
                await request.send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._simulator.feed.unsubscribe(subscription)

    async def _change_state(self, request: Request, account: str) -> None:
        body = await self._body(request)
        action = body.get("action")
        if not isinstance(action, str) or action not in REASONS:
            raise BadRequestError("action must be Login, Logout or Disconnect.")
        reason = body.get("reason", REASONS[action][0])
        if reason not in REASONS[action]:
            raise BadRequestError(f"reason of {action} must be one of {', '.join(REASONS[action])}.")
        self._simulator.presence.change_state(_account(account), action, _platform(body) or "Web", str(reason))
        await request.json({"ok": True})

    # What is seen

    async def _calls(self, request: Request) -> None:
        command, since, limit = _page(request.query())
        calls = self._simulator.calls
        await request.json({"total": calls.total, "calls": calls.listed(command=command, since=since, limit=limit)})

    async def _forget_calls(self, request: Request) -> None:
        self._simulator.calls.clear()
        await request.json({"ok": True})

    async def _webhooks(self, request: Request) -> None:
        command, since, limit = _page(request.query())
        sent = self._simulator.webhooks.sent
        await request.json(
            {
                "total": sent.total,
                "unfinished": self._simulator.webhooks.unfinished_count,
                "webhooks": sent.listed(command=command, since=since, limit=limit),
            }
        )

    # What should go wrong

    async def _list_faults(self, request: Request) -> None:
        await request.json({"faults": self._simulator.faults.listed()})

    async def _add_fault(self, request: Request) -> None:
        body = await self._body(request)
        command, kind, value, times = (body.get(name) for name in ("command", "kind", "value", "times"))
        if not isinstance(command, str) or not command:
            raise BadRequestError("command must name a REST command or a webhook.")
        if not isinstance(kind, str) or kind not in KINDS:
            raise BadRequestError(f"kind must be one of {', '.join(KINDS)}.")
        value = 0 if value is None else value
        times = 1 if times is None else times
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1_000_000:
            raise BadRequestError("value must be a number from 0.")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if kind == "http" and not (isinstance(value, int) and 200 <= value <= 599):
            raise BadRequestError("value must be an HTTP status.")
        if kind == "code" and not isinstance(value, int):
            raise BadRequestError("value must be an error code.")
        if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= 1_000_000:
            raise BadRequestError("times must be a whole number from 1.")
        self._simulator.faults.add(Fault(command, kind, value, times))
        await request.json({"ok": True})

    async def _clear_faults(self, request: Request) -> None:
        self._simulator.faults.clear()
        await request.json({"ok": True})

    async def _settings(self, request: Request) -> None:
        await request.json({name: value for name, value, _ in self._simulator.settings.lines()})

    async def _change_settings(self, request: Request) -> None:
        self._simulator.change_settings(await self._body(request))
        await self._settings(request)

    async def _clock(self, request: Request) -> None:
        body = await self._body(request)
        for name in ("speed", "advance"):
            value = body.get(name)
            if value is None:
                continue
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1e9:
                raise BadRequestError(f"{name} must be a number from 0.")
            if name == "speed":
                self._simulator.clock.set_speed(float(value))
            else:
                self._simulator.clock.advance(float(value))
        await request.json({"now": self._simulator.clock.now(), "speed": self._simulator.clock.speed})

    # Crowds

    async def _list_crowds(self, request: Request) -> None:
        await request.json({"crowds": self._simulator.crowds.listed()})

    async def _start_crowd(self, request: Request) -> None:
        try:
            order = CrowdOrder.read(await self._body(request))
        except ValueError as problem:
            raise BadRequestError(str(problem)) from problem
        if order.group_id not in self._simulator.world.groups:
            raise BadRequestError(f"There is no group {order.group_id[:96]}.", 404)
        self._simulator.crowds.begin(order)
        await request.json({"ok": True})

    async def _stop_crowds(self, request: Request) -> None:
        stopped = self._simulator.crowds.stop(request.query().get("group_id"))
        await request.json({"ok": True, "stopped": stopped})

    async def _body(self, request: Request) -> Body:
        raw = await request.body(MAX_CONTROL_BODY)
        try:
            value = read_json(raw)
        except ValueError as error:
            raise BadRequestError("The body is not JSON.") from error
        if not isinstance(value, dict):
            raise BadRequestError("The body must be a JSON object.")
        return value


def _account(value: object) -> str:
    if not is_account_id(value):
        raise BadRequestError("account must be 1 to 32 printable ASCII characters.")
    assert isinstance(value, str)
    return value


def _platform(body: Body) -> str | None:
    platform = body.get("platform")
    if platform is None:
        return None
    if not isinstance(platform, str) or platform not in PLATFORMS:
        raise BadRequestError(f"platform must be one of {', '.join(PLATFORMS)}.")
    return platform


def _page(query: dict[str, str]) -> tuple[str, int, int]:
    numbers: list[int] = []
    for name, default in (("since", 0), ("limit", 20_000)):
        text = query.get(name, str(default))
        if not (text.isascii() and text.isdigit()) or len(text) > 12:
            raise BadRequestError(f"{name} must be a whole number.")
        numbers.append(int(text))
    return query.get("command", ""), numbers[0], max(1, min(numbers[1], 50_000))


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _next_chunk(queue: asyncio.Queue[bytes | None], gone: asyncio.Task[None]) -> bytes | None:
    """The next event, a comment to keep the connection, or None when the feed or its reader ended."""
    if not queue.empty():
        return queue.get_nowait()
    waiting = asyncio.create_task(queue.get())
    done, _ = await asyncio.wait({waiting, gone}, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if waiting in done:
        return waiting.result()
    waiting.cancel()
    return None if gone in done else b": alive\n\n"
