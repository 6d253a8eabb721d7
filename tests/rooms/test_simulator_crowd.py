"""The crowd's conversation: seeded, in the speaker's language, mixed as ordered."""

from __future__ import annotations

import random
from collections import Counter

import orjson
import pytest

from rooms.chat.simulator import crowd_lines as lines
from rooms.chat.simulator.crowd import CrowdOrder
from rooms.chat.simulator.crowd_talk import DEFAULT_MIX, Talk, Utterance


def listen(
    count: int, *, seed: int = 1, mix: dict[str, float] | None = None, status: str = "on_live"
) -> list[Utterance]:
    chance = random.Random(seed)
    people = dict(lines.personas(60, chance))
    talk = Talk(DEFAULT_MIX if mix is None else mix, people, chance)
    return [talk.utter(list(people), status, number * 0.2) for number in range(count)]


def words_of(said: list[Utterance]) -> list[str]:
    contents = [one.element["MsgContent"] for one in said]
    return [str(content["Text"]) for content in contents if isinstance(content, dict) and "Text" in content]


def test_the_same_seed_says_the_same() -> None:
    assert listen(100, seed=3) == listen(100, seed=3)
    assert listen(100, seed=3) != listen(100, seed=4)


def test_there_are_hundreds_of_lines_in_both_languages() -> None:
    words = set(words_of(listen(5000)))
    assert len(words) > 350
    chinese_count = sum(lines.is_chinese(one) for one in words)
    assert 0.25 < chinese_count / len(words) < 0.75


def test_people_mostly_keep_to_their_own_language() -> None:
    nicks = dict(lines.personas(60, random.Random(1)))
    said = [one for one in listen(2000, mix={"chat": 1}) if "Text" in str(one.element)]
    own = Counter(
        lines.is_chinese(nicks[one.account]) == lines.is_chinese(words)
        for one, words in zip(said, words_of(said), strict=True)
    )
    assert own[True] > 0.95 * len(said)


def test_only_what_was_ordered_is_said() -> None:
    said = listen(200, mix={"like": 1, "gift": 0})
    assert {one.priority for one in said} == {"Low"}
    counts = [orjson.loads(one.element["MsgContent"]["Data"])["data"]["cmdInfo"]["count"] for one in said]
    assert min(counts) >= 1


def test_a_question_is_answered_a_little_later() -> None:
    answers = {answer for given in lines.QUESTIONS.values() for answer in given}
    words = words_of(listen(300, mix={"question": 1}))
    assert sum(one in answers for one in words) > 20


def test_a_disguise_hides_the_word_from_a_plain_list() -> None:
    chance = random.Random(2)
    hidden = {lines.disguise("idiot", chance) for _ in range(100)}
    assert len(hidden) >= 6
    assert "idiot" not in hidden


@pytest.mark.parametrize("count", [0, 1, 60, 1000])
def test_there_are_as_many_different_people_as_wanted(count: int) -> None:
    people = lines.personas(count, random.Random(5))
    assert len(dict(people)) == count
    assert all(len(account) <= 32 and account.isascii() for account, _ in people)


def test_an_order_for_weights_keeps_the_other_kinds() -> None:
    order = CrowdOrder.read({"group_id": "room_1", "mix": {"abuse": 0}})
    assert order.mix["abuse"] == 0
    assert order.mix["chat"] == DEFAULT_MIX["chat"]
    with pytest.raises(ValueError, match="something to say"):
        CrowdOrder.read({"group_id": "room_1", "mix": dict.fromkeys(DEFAULT_MIX, 0)})
