"""Who the people of a crowd are and what they say, read from crowd_lines.toml; and how abuse is disguised."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path
from typing import Final

_FILE: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _lines(name: str) -> tuple[str, ...]:
    return tuple(str(line) for line in _FILE[name])


CHAT: Final = _lines("chat")
REACTIONS: Final = _lines("reactions")
SONGS: Final = _lines("songs")
SONG_WISHES: Final = _lines("song_wishes")
SPAM: Final = _lines("spam")
ABUSE: Final = _lines("abuse")
ABUSE_WORDS: Final = _lines("abuse_words")
ABUSE_FRAMES: Final = _lines("abuse_frames")
GIFT_THANKS: Final = _lines("gift_thanks")
HANDLES: Final[tuple[tuple[str, str], ...]] = tuple((handle, nick) for handle, nick in _FILE["people"])
QUESTIONS: Final[dict[str, tuple[str, ...]]] = {question: tuple(answers) for question, answers in _FILE["questions"]}
GIFTS: Final[tuple[tuple[str, str, int], ...]] = tuple((name, unit, kind) for name, unit, kind in _FILE["gifts"])
MARKS: Final = ("", "♪", "_09", " ☂", "77", "✿", "_x", "·2", "…", "°")
ON_STATUS: Final[dict[str, tuple[str, ...]]] = {status: tuple(words) for status, words in _FILE["on_status"].items()}

_LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"})
_HOMOGLYPHS = str.maketrans({"a": "а", "c": "с", "e": "е", "i": "і", "o": "о", "p": "р", "s": "ѕ"})


def personas(count: int, chance: random.Random) -> list[tuple[str, str]]:
    """So many (account, nick) pairs in an order of their own; the same seed gives the same people."""
    people: list[tuple[str, str]] = []
    round_number = 0
    while len(people) < count:
        everybody = list(HANDLES)
        chance.shuffle(everybody)
        for handle, nick in everybody:
            mark = MARKS[round_number % len(MARKS)]
            number = f"_{round_number}" if round_number else ""
            people.append((f"{handle}{number}", f"{nick}{mark}" if round_number < len(MARKS) else f"{nick}{number}"))
        round_number += 1
    found = people[:count]
    chance.shuffle(found)
    return found


def disguise(word: str, chance: random.Random) -> str:
    """Written so that a plain word list misses it: leet, spaced, full-width and the like."""
    way = chance.randrange(6)
    if way == 0:
        return word.translate(_LEET)
    if way == 1:
        return chance.choice((" ", ".", "-", "*")).join(word)
    if way == 2:
        return "".join(chr(ord(letter) + 0xFEE0) for letter in word)
    if way == 3:
        return word.translate(_HOMOGLYPHS)
    if way == 4:
        return "\u200b".join(word)
    return "".join(letter * (3 if letter in "aeiou" else 1) for letter in word)


def is_chinese(text: str) -> bool:
    """Whether there is a Chinese character in it."""
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)
