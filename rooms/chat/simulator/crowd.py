"""A crowd that is worth looking at: joins, chats, likes, gives, spams a little, comes and goes. Seeded."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from .codes import RefusedError
from .crowd_lines import personas
from .crowd_talk import DEFAULT_MIX, Talk
from .world import Element, Group

if TYPE_CHECKING:
    from .hub import Simulator

MAX_VIEWERS = 20_000
MAX_RATE = 1_000.0
UNDER_WAY = 400
OVER = frozenset({"ended", "played_back"})
PACE = {"to_be_started": 0.5, "on_live": 1.0, "paused": 0.5, "ended": 0.25, "played_back": 0.25}
TICK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class CrowdOrder:
    """What was asked for. 0 seconds lasts until it is stopped."""

    group_id: str
    viewers: int = 30
    messages_per_second: float = 2.0
    seconds: float = 0.0
    seed: int = 1
    mix: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_MIX))

    @classmethod
    def read(cls, body: dict[str, object]) -> CrowdOrder:
        """From a control call's body; raises ValueError with a sentence."""
        group_id = body.get("group_id")
        if not isinstance(group_id, str) or not group_id:
            raise ValueError("group_id is missing.")
        mix = dict(DEFAULT_MIX)
        given = body.get("mix")
        if given is not None and not isinstance(given, dict):
            raise ValueError("mix must be an object of kinds and weights.")
        for kind, weight in (given or {}).items():
            if kind not in mix:
                raise ValueError(f"mix knows {', '.join(mix)}.")
            mix[kind] = _number(weight, f"mix.{kind}", 1e6)
        if not any(mix.values()):
            raise ValueError("mix must leave something to say.")
        return cls(
            group_id=group_id,
            viewers=int(_number(body.get("viewers", 30), "viewers", MAX_VIEWERS)),
            messages_per_second=_number(body.get("messages_per_second", 2.0), "messages_per_second", MAX_RATE),
            seconds=_number(body.get("seconds") or 0, "seconds", 1e7),
            seed=int(_number(body.get("seed", 1), "seed", 2**53)),
            mix=mix,
        )


def _number(value: object, name: str, maximum: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= maximum:
        raise ValueError(f"{name} must be a number from 0 to {maximum:g}.")
    return float(value)


class Crowds:
    """One crowd for each group at most."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._running: dict[str, tuple[Crowd, asyncio.Task[None]]] = {}

    def begin(self, order: CrowdOrder) -> None:
        """Start a crowd; one that runs in the group already is replaced."""
        self.stop(order.group_id)
        crowd = Crowd(self._simulator, order)
        self._running[order.group_id] = (crowd, self._simulator.spawn(crowd.run()))

    def stop(self, group_id: str | None = None) -> int:
        """Stop one or all; members stay where they are."""
        names = list(self._running) if group_id is None else [group_id]
        stopped = 0
        for name in names:
            found = self._running.pop(name, None)
            if found is not None:
                stopped += not found[1].done()
                found[1].cancel()
        return stopped

    def listed(self) -> list[dict[str, object]]:
        return [
            {
                "group_id": name,
                "viewers": crowd.order.viewers,
                "inside": len(crowd.inside),
                "messages_per_second": crowd.order.messages_per_second,
                "said": crowd.said,
                "is_running": not task.done(),
            }
            for name, (crowd, task) in self._running.items()
        ]


class Crowd:
    """The viewers of one room."""

    def __init__(self, simulator: Simulator, order: CrowdOrder) -> None:
        self.order = order
        self.inside: list[str] = []
        self.said = 0
        self._simulator = simulator
        self._random = random.Random(f"{order.seed}:{order.group_id}")
        self._outside = personas(order.viewers, self._random)
        self._nicks = dict(self._outside)
        self._status = ""
        self._talk = Talk(order.mix, self._nicks, self._random)
        self._under_way = 0

    async def run(self) -> None:
        """Live until the time is up or the group is gone; every tick a few joins, words and leaves."""
        clock = self._simulator.clock
        group = self._simulator.world.groups.get(self.order.group_id)
        began = last = clock.now()
        owed_words = owed_moves = 0.0
        while group is not None and self._simulator.world.groups.get(group.group_id) is group:
            now = clock.now()
            if self.order.seconds and now - began >= self.order.seconds:
                return
            passed, last = min(now - last, 5.0), now
            self._arrive(group, now - began, passed)
            self._notice_status(group)
            pace = PACE.get(self._status, 1.0)
            owed_words += passed * self.order.messages_per_second * pace
            while owed_words >= 1.0 or (owed_words > 0 and self._random.random() < owed_words * TICK_SECONDS):
                owed_words -= 1.0
                self._say_something(group, now)
            # Once it is over they go home, and few come back.
            owed_moves += passed * len(self.inside) / (15.0 if self._status in OVER else 150.0)
            while owed_moves >= 1.0:
                owed_moves -= 1.0
                self._move(group)
            await clock.sleep(TICK_SECONDS * max(1.0, clock.speed))

    # Coming and going

    def _arrive(self, group: Group, elapsed: float, passed: float) -> None:
        """The room fills within about twenty seconds, quickly first; those who left come back one by one."""
        if self._status in OVER and elapsed > 3.0:
            return
        target = self.order.viewers * min(1.0, 0.25 + elapsed / 20.0)
        wanted = min(len(self._outside), int(target) - len(self.inside))
        most = max(1, int(self.order.viewers * passed / 4.0) + 1)
        for _ in range(min(wanted, most)):
            account, nick = self._outside.pop()
            self.inside.append(account)
            self._spawn(self._enter(group, account, nick))

    async def _enter(self, group: Group, account: str, nick: str) -> None:
        self._simulator.world.import_account(account, nick)
        platform = self._random.choice(("Web", "Android", "Android", "iOS", "iOS", "Windows"))
        try:
            await self._simulator.presence.join(group, account, platform)
        except RefusedError:
            # Banned, or refused by the webhook: this one does not come back.
            self._forget(account)

    def _move(self, group: Group) -> None:
        """Somebody leaves for a while, or loses the connection and returns."""
        if not self.inside:
            return
        account = self._random.choice(self.inside)
        member = group.members.get(account)
        if member is None:
            self._forget(account)
            return
        platform = next(iter(member.platforms), "Web")
        presence = self._simulator.presence
        if self._random.random() < 0.8:
            presence.leave(group, account, None)
            self._forget(account)
            self._outside.insert(0, (account, self._nicks[account]))
        else:
            presence.change_state(account, "Disconnect", platform, self._random.choice(("LinkClose", "TimeOut")))
            self._spawn(self._return(account, platform))

    async def _return(self, account: str, platform: str) -> None:
        await self._simulator.clock.sleep(self._random.uniform(3.0, 90.0))
        self._simulator.presence.change_state(account, "Login", platform, "Register")

    def _forget(self, account: str) -> None:
        if account in self.inside:
            self.inside.remove(account)

    # Words

    def _notice_status(self, group: Group) -> None:
        status = group.attributes.get("room_status") or group.custom.get("room_status", "")
        if status != self._status:
            is_first, self._status = not self._status, status
            if not is_first or status == "on_live":
                self._talk.react_to_status(status, len(self.inside), self._simulator.clock.now())

    def _say_something(self, group: Group, now: float) -> None:
        # Under mute-all hardly anybody tries.
        if self.inside and not (group.is_mute_all and self._random.random() < 0.97):
            said = self._talk.utter(self.inside, self._status, now)
            self._speak(group, said.account, said.element, said.priority)

    def _speak(self, group: Group, account: str, element: Element, priority: str = "Normal") -> None:
        if self._under_way < UNDER_WAY:
            self._under_way += 1
            self.said += 1
            self._spawn(self._deliver(group, account, element, priority))

    async def _deliver(self, group: Group, account: str, element: Element, priority: str) -> None:
        level = sum(account.encode()) % 30 + 1
        cloud = orjson.dumps({"level": level}).decode()
        try:
            await self._simulator.speak(group, account, elements=[element], priority=priority, cloud_custom_data=cloud)
        except RefusedError as refusal:
            if refusal.code == self._simulator.settings.not_inside_code and account not in group.members:
                self._forget(account)
        finally:
            self._under_way -= 1

    def _spawn(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        self._simulator.spawn(work)
