"""The world in a file, so that rooms outlive a restart of the simulator as they would outlive ours in Chat.

Viewers are not kept: their clients are gone. Nor are faults, records and what was under way.
"""

from __future__ import annotations

import os
from pathlib import Path

import orjson

from .world import Account, Group, Message, World

VERSION = 1
SAVE_SECONDS = 5.0
KEPT_MESSAGES = 20
# What was said after the last save of a killed simulator is jumped over: more than any room says in that time.
SKIPPED_NUMBERS = 1000
PLAIN = (
    "group_id",
    "type",
    "name",
    "owner",
    "created_at",
    "introduction",
    "notification",
    "face_url",
    "apply_join_option",
    "max_member_count",
    "is_mute_all",
    "custom",
    "attributes",
    "counters",
    "mutes",
    "last_seq",
    "info_seq",
    "last_info_at",
    "last_message_at",
)


def dump(world: World, *, is_final: bool = False) -> bytes:
    """Accounts and groups as JSON; `is_final` when nothing will be said after it."""
    groups = [
        {
            **{name: getattr(group, name) for name in PLAIN},
            "bans": {account: list(ban) for account, ban in group.bans.items()},
            "admins": sorted(group.admins),
            "messages": list(group.messages)[-KEPT_MESSAGES:],
        }
        for group in world.groups.values()
    ]
    return orjson.dumps(
        {"version": VERSION, "is_final": is_final, "accounts": list(world.accounts.values()), "groups": groups}
    )


def load(world: World, content: bytes) -> None:
    """Fill an empty world; raises ValueError for a file that is none of ours. Sequence numbers never go back."""
    try:
        state = orjson.loads(content)
        if state["version"] != VERSION:
            raise ValueError("this file is of another version")
        accounts = [Account(**facts) for facts in state["accounts"]]
        groups = [_group(facts) for facts in state["groups"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this file holds no world of the simulator") from error
    if not state.get("is_final"):
        for group in groups:
            group.last_seq += SKIPPED_NUMBERS
    world.accounts.update({account.user_id: account for account in accounts})
    world.groups.update({group.group_id: group for group in groups})


def _group(facts: dict[str, object]) -> Group:
    bans, admins, messages = facts.pop("bans"), facts.pop("admins"), facts.pop("messages")
    group = Group(**facts)  # type: ignore[arg-type]
    assert isinstance(bans, dict)
    assert isinstance(admins, list)
    assert isinstance(messages, list)
    group.bans = {account: (until, note) for account, (until, note) in bans.items()}
    group.admins = set(admins)
    group.messages.extend(Message(**message) for message in messages)
    return group


class Keeper:
    """Writes the world to its file when it changed, whole or not at all."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._written = b""

    def restore(self) -> None:
        """Read the file where there is one; raises ValueError when it cannot be used."""
        if self._path.exists():
            self._written = self._path.read_bytes()
            load(self._world, self._written)
            self.save()

    def save(self, *, is_final: bool = False) -> None:
        """`is_final` for the last save; the first one after a start takes that mark away again."""
        content = dump(self._world, is_final=is_final)
        if content != self._written:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_name(self._path.name + ".new")
            fresh.write_bytes(content)
            os.replace(fresh, self._path)
            self._written = content
