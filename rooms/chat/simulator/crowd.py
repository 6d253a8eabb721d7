"""A crowd that is worth looking at: joins, chats, likes, gives, spams a little, comes and goes. Seeded."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from . import crowd_lines as lines
from .codes import RefusedError
from .world import Element, Group

if TYPE_CHECKING:
    from .hub import Simulator

MAX_VIEWERS = 20_000
MAX_RATE = 1_000.0
UNDER_WAY = 400
DEFAULT_MIX = {
    "chat": 46.0,
    "question": 7.0,
    "song": 6.0,
    "react": 8.0,
    "like": 18.0,
    "gift": 5.0,
    "spam": 5.0,
    "abuse": 3.0,
    "disguised": 2.0,
}
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
        self._outside = lines.personas(order.viewers, self._random)
        self._nicks = dict(self._outside)
        self._status = ""
        self._soon: deque[tuple[float, str, str]] = deque()
        self._recent: deque[str] = deque(maxlen=40)
        self._under_way = 0
        self._kinds = [kind for kind, weight in order.mix.items() if weight]
        self._weights = [order.mix[kind] for kind in self._kinds]

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
            owed_moves += passed * len(self.inside) / 150.0
            while owed_moves >= 1.0:
                owed_moves -= 1.0
                self._move(group)
            await clock.sleep(TICK_SECONDS * max(1.0, clock.speed))

    # Coming and going

    def _arrive(self, group: Group, elapsed: float, passed: float) -> None:
        """The room fills within about twenty seconds, quickly first; those who left come back one by one."""
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
        if status == self._status:
            return
        is_first, self._status = not self._status, status
        if not is_first or status == "on_live":
            now = self._simulator.clock.now()
            for _ in range(min(12, 2 + len(self.inside) // 8)):
                words = self._random.choice(lines.ON_STATUS.get(status, lines.CHAT))
                self._later(now + self._random.uniform(0.4, 5.0), "", words)

    def _say_something(self, group: Group, now: float) -> None:
        if not self.inside:
            return
        if self._soon and self._soon[0][0] <= now:
            _, account, words = self._soon.popleft()
            self._speak(group, account or self._random.choice(self.inside), _text(words))
            return
        account = self._random.choice(self.inside)
        kind = self._random.choices(self._kinds, self._weights)[0]
        if kind == "like":
            count = self._random.choice((1, 1, 2, 3, 5, 8, 12))
            self._speak(group, account, _custom("like", {"count": count}), "Low")
        elif kind == "gift":
            self._give(group, account, now)
        elif kind == "spam":
            words = self._pick(lines.SPAM)
            self._speak(group, account, _text(words))
            for number in range(self._random.randint(2, 5)):
                self._later(now + 0.5 + number * 0.6, account, words)
        elif kind == "question":
            question, answers = self._random.choice(lines.QUESTIONS)
            self._speak(group, account, _text(question))
            if answers and self._random.random() < 0.7:
                self._later(now + self._random.uniform(2.0, 6.0), "", self._random.choice(answers))
        elif kind == "song":
            song = self._random.choice(lines.SONGS)
            self._speak(group, account, _text(self._pick(lines.SONG_WISHES).format(song=song)))
        elif kind == "abuse":
            self._speak(group, account, _text(self._pick(lines.ABUSE)))
        elif kind == "disguised":
            words = lines.disguise(self._random.choice(lines.ABUSE_WORDS), self._random)
            self._speak(group, account, _text(self._pick(lines.ABUSE_FRAMES).format(word=words)))
        elif kind == "react":
            self._speak(group, account, _text(self._pick(lines.REACTIONS)))
        else:
            choices = lines.ON_STATUS.get(self._status, ())
            is_about_status = bool(choices) and self._status != "on_live" and self._random.random() < 0.5
            self._speak(group, account, _text(self._pick(choices if is_about_status else lines.CHAT)))

    def _give(self, group: Group, account: str, now: float) -> None:
        name, units, kind = self._random.choice(lines.GIFTS)
        count = self._random.choice((1, 1, 1, 3, 5, 10, 66)) if kind == 1 else 1
        info = {
            "type": kind,
            "giftUrl": "",
            "giftCount": count,
            "giftName": name,
            "giftUnits": units,
            "giftSEUrl": "",
        }
        self._speak(group, account, _custom("send_gift_message", info))
        if count >= 10 or kind == 3:
            self._later(now + 1.5, "", self._pick(lines.GIFT_THANKS))

    def _pick(self, choices: tuple[str, ...]) -> str:
        """Not one that was said a moment ago, where there is a choice."""
        for _ in range(6):
            words = self._random.choice(choices)
            if words not in self._recent:
                break
        self._recent.append(words)
        return words

    def _later(self, at: float, account: str, words: str) -> None:
        if len(self._soon) < 60:
            self._soon.append((at, account, words))
            self._soon = deque(sorted(self._soon))

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


def _text(words: str) -> Element:
    return {"MsgType": "TIMTextElem", "MsgContent": {"Text": words}}


def _custom(command: str, info: dict[str, object]) -> Element:
    data = {"version": 1.0, "businessID": "greenroom", "data": {"cmd": command, "cmdInfo": info}}
    return {
        "MsgType": "TIMCustomElem",
        "MsgContent": {"Data": orjson.dumps(data).decode(), "Desc": "", "Ext": ""},
    }
