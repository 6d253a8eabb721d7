"""What somebody in a crowd says next. Seeded, and pure: no clock, no I/O."""

from __future__ import annotations

import random
from bisect import insort
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from . import crowd_lines as lines
from .world import Element

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
MAX_PLANNED = 60


@dataclass(frozen=True, slots=True)
class Utterance:
    account: str
    element: Element
    priority: str = "Normal"


class Talk:
    """The conversation of one room: what was said lately, and what is about to be said."""

    def __init__(self, mix: Mapping[str, float], nicks: Mapping[str, str], chance: random.Random) -> None:
        self._nicks = nicks
        self._random = chance
        self._kinds = [kind for kind, weight in mix.items() if weight]
        self._weights = [mix[kind] for kind in self._kinds]
        self._planned: list[tuple[float, str, str]] = []
        self._recent: deque[str] = deque(maxlen=40)

    def react_to_status(self, status: str, present_count: int, now: float) -> None:
        """Several say something about the change in the seconds after it."""
        for _ in range(min(12, 2 + present_count // 8)):
            words = self._random.choice(lines.ON_STATUS.get(status, lines.CHAT))
            self._plan(now + self._random.uniform(0.4, 5.0), "", words)

    def utter(self, present: Sequence[str], status: str, now: float) -> Utterance:
        """The next thing said by one of those present (there must be somebody)."""
        if self._planned and self._planned[0][0] <= now:
            _, account, words = self._planned.pop(0)
            return Utterance(account or self._speaker_of(words, present), _text(words))
        account = self._random.choice(present)
        kind = self._random.choices(self._kinds, self._weights)[0]
        if kind == "like":
            count = self._random.choice((1, 1, 2, 3, 5, 8, 12))
            return Utterance(account, _command("like", {"count": count}), "Low")
        if kind == "gift":
            return Utterance(account, self._gift(now))
        return Utterance(account, _text(self._words(kind, account, status, now)))

    def _words(self, kind: str, account: str, status: str, now: float) -> str:
        if kind == "spam":
            words = self._pick(lines.SPAM, account)
            for number in range(self._random.randint(2, 5)):
                self._plan(now + 0.5 + number * 0.6, account, words)
            return words
        if kind == "question":
            question = self._pick(tuple(lines.QUESTIONS), account)
            answers = lines.QUESTIONS[question]
            if answers and self._random.random() < 0.7:
                self._plan(now + self._random.uniform(2.0, 6.0), "", self._random.choice(answers))
            return question
        if kind == "song":
            return self._pick(lines.SONG_WISHES, account).format(song=self._pick(lines.SONGS, account))
        if kind == "disguised":
            word = lines.disguise(self._random.choice(lines.ABUSE_WORDS), self._random)
            return self._pick(lines.ABUSE_FRAMES, account).format(word=word)
        if kind == "abuse":
            return self._pick(lines.ABUSE, account)
        if kind == "react":
            return self._pick(lines.REACTIONS, account)
        about_status = lines.ON_STATUS.get(status, ())
        is_about_status = bool(about_status) and status != "on_live" and self._random.random() < 0.5
        return self._pick(about_status if is_about_status else lines.CHAT, account)

    def _gift(self, now: float) -> Element:
        name, units, kind = self._random.choice(lines.GIFTS)
        count = self._random.choice((1, 1, 1, 3, 5, 10, 66)) if kind == 1 else 1
        if count >= 10 or kind == 3:
            self._plan(now + 1.5, "", self._random.choice(lines.GIFT_THANKS))
        info = {"type": kind, "giftUrl": "", "giftCount": count, "giftName": name, "giftUnits": units}
        return _command("send_gift_message", {**info, "giftSEUrl": ""})

    def _pick(self, choices: tuple[str, ...], account: str) -> str:
        """In the speaker's own language and not said a moment ago, where there is such a choice."""
        is_chinese = lines.is_chinese(self._nicks.get(account, ""))
        words = self._random.choice(choices)
        for _ in range(12):
            if words not in self._recent and lines.is_chinese(words) == is_chinese:
                break
            words = self._random.choice(choices)
        self._recent.append(words)
        return words

    def _speaker_of(self, words: str, present: Sequence[str]) -> str:
        is_chinese = lines.is_chinese(words)
        account = self._random.choice(present)
        for _ in range(8):
            if lines.is_chinese(self._nicks.get(account, "")) == is_chinese:
                break
            account = self._random.choice(present)
        return account

    def _plan(self, at: float, account: str, words: str) -> None:
        if len(self._planned) < MAX_PLANNED:
            insort(self._planned, (at, account, words))


def _text(words: str) -> Element:
    return {"MsgType": "TIMTextElem", "MsgContent": {"Text": words}}


def _command(command: str, info: dict[str, object]) -> Element:
    data = {"version": 1.0, "businessID": "greenroom", "data": {"cmd": command, "cmdInfo": info}}
    return {"MsgType": "TIMCustomElem", "MsgContent": {"Data": orjson.dumps(data).decode(), "Desc": "", "Ext": ""}}
