"""What the simulated Chat remembers: accounts, groups, members, messages. Pure and synchronous, no I/O."""

from __future__ import annotations

import random
import string
from collections import Counter, deque
from dataclasses import dataclass, field

from .clock import Clock
from .codes import RefusedError
from .frequency import MessagePlaces, SlidingSecond
from .settings import Settings

LIVE = "AVChatRoom"
FOREVER = 4_294_967_295
KEPT_MESSAGES = 500
MAX_ACCOUNTS = 500_000
Element = dict[str, object]


@dataclass(slots=True)
class Account:
    user_id: str
    nick: str = ""
    face_url: str = ""
    profile: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Member:
    account: str
    joined_at: float
    order: int
    platforms: dict[str, bool] = field(default_factory=dict)

    @property
    def is_online(self) -> bool:
        """Whether any of the member's devices is connected."""
        return any(self.platforms.values())


@dataclass(slots=True)
class Message:
    seq: int
    sent_at: float
    sender: str
    random: int
    priority: str
    body: list[Element]
    cloud_custom_data: str
    message_id: str


@dataclass(slots=True)
class Group:
    group_id: str
    type: str
    name: str
    owner: str
    created_at: float
    introduction: str = ""
    notification: str = ""
    face_url: str = ""
    apply_join_option: str = "FreeAccess"
    max_member_count: int = 0
    is_mute_all: bool = False
    custom: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    admins: set[str] = field(default_factory=set)
    mutes: dict[str, float] = field(default_factory=dict)
    bans: dict[str, tuple[float, str]] = field(default_factory=dict)
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=KEPT_MESSAGES))
    randoms: dict[tuple[str, int], tuple[float, int, int]] = field(default_factory=dict)
    places: MessagePlaces = field(default_factory=MessagePlaces)
    attribute_writes: SlidingSecond = field(default_factory=SlidingSecond)
    tally: Counter[str] = field(default_factory=Counter)
    last_seq: int = 0
    info_seq: int = 1
    last_info_at: float = 0.0
    last_message_at: float = 0.0
    count_snapshot: tuple[float, int] = (-1e18, 0)
    list_snapshot: tuple[float, list[Member]] = (-1e18, [])

    @property
    def is_live(self) -> bool:
        return self.type == LIVE

    @property
    def online_count(self) -> int:
        return sum(1 for member in self.members.values() if member.is_online)

    def touch(self, now: float) -> None:
        """Note that the profile changed."""
        self.info_seq += 1
        self.last_info_at = now

    def muted_until(self, account: str, now: float) -> float:
        """When the account's mute ends; 0 when it is not muted."""
        until = self.mutes.get(account, 0.0)
        if until and until <= now:
            del self.mutes[account]
            return 0.0
        return until

    def banned_until(self, account: str, now: float) -> float:
        """When the account's ban ends; 0 when it is not banned."""
        until, _ = self.bans.get(account, (0.0, ""))
        if until and until <= now:
            del self.bans[account]
            return 0.0
        return until


def is_account_id(value: object) -> bool:
    """1 to 32 bytes of printable ASCII."""
    return isinstance(value, str) and 0 < len(value) <= 32 and value.isascii() and value.isprintable()


class World:
    """All state of one simulated application."""

    def __init__(self, *, clock: Clock, settings: Settings, admins: tuple[str, ...], seed: int) -> None:
        self.clock = clock
        self.settings = settings
        self.admins = admins
        self.random = random.Random(seed)
        self.accounts: dict[str, Account] = {}
        self.groups: dict[str, Group] = {}
        self._joins = 0
        self.reset()

    def reset(self) -> None:
        """An empty world, with only the administrators in it."""
        self.accounts.clear()
        self.groups.clear()
        for admin in self.admins:
            self.import_account(admin)

    # Accounts

    def import_account(self, user_id: str, nick: str | None = None, face_url: str | None = None) -> Account:
        """Add an account, or update the given facts of one that is there."""
        account = self.accounts.get(user_id)
        if account is None:
            if len(self.accounts) >= MAX_ACCOUNTS:
                raise RefusedError(70500)
            account = self.accounts[user_id] = Account(user_id)
        if nick is not None:
            account.nick = nick
        if face_url is not None:
            account.face_url = face_url
        return account

    def nick(self, user_id: str) -> str:
        account = self.accounts.get(user_id)
        return account.nick if account else ""

    # Groups

    def group(self, group_id: object) -> Group:
        """The group, or 10015 for an impossible id and 10010 for one that is not there."""
        if not isinstance(group_id, str) or not group_id or len(group_id) > 96 or not group_id.isascii():
            raise RefusedError(10015)
        group = self.groups.get(group_id)
        if group is None:
            raise RefusedError(10010)
        return group

    def live_group(self, group_id: object) -> Group:
        """As `group`, and 10007 unless it is a live room."""
        group = self.group(group_id)
        if not group.is_live:
            raise RefusedError(10007)
        return group

    def new_group_id(self, group_type: str) -> str:
        prefix = {"Private": "@TGS#1", "Public": "@TGS#2", "ChatRoom": "@TGS#3", "Community": "@TGS#_@TGS#c"}
        alphabet = string.ascii_uppercase + string.digits
        while True:
            suffix = "".join(self.random.choices(alphabet, k=10))
            group_id = prefix.get(group_type, "@TGS#a") + suffix
            if group_id not in self.groups:
                return group_id

    def add_group(self, *, group_id: str, group_type: str, name: str, owner: str) -> Group:
        """Create a group; refuses a taken id and a live room over the plan's number."""
        present = self.groups.get(group_id)
        if present is not None:
            raise RefusedError(10025 if present.owner == owner else 10021)
        limit = self.settings.live_room_limit
        if group_type == LIVE and limit and sum(group.is_live for group in self.groups.values()) >= limit:
            raise RefusedError(10036)
        now = self.clock.now()
        group = Group(group_id=group_id, type=group_type, name=name, owner=owner, created_at=now, last_info_at=now)
        self.groups[group_id] = group
        if owner and not group.is_live:
            self.add_member(group, owner, "Web")
        return group

    def remove_group(self, group: Group) -> None:
        del self.groups[group.group_id]

    # Members

    def add_member(self, group: Group, account: str, platform: str) -> tuple[Member, bool, bool]:
        """Put a device into the room: the member, whether it is new, and whether it was offline before."""
        self.import_account(account)
        member = group.members.get(account)
        is_new = member is None
        if member is None:
            self._joins += 1
            member = Member(account, joined_at=self.clock.now(), order=self._joins)
            group.members[account] = member
        was_online = member.is_online
        member.platforms[platform] = True
        return member, is_new, not was_online

    def remove_member(self, group: Group, account: str, platform: str | None = None) -> bool | None:
        """Take one device (or all) out: True when the last one left, None when nobody was there."""
        member = group.members.get(account)
        if member is None:
            return None
        if platform is not None and platform in member.platforms and len(member.platforms) > 1:
            del member.platforms[platform]
            return False
        del group.members[account]
        return True

    def may_speak(self, group: Group, account: str) -> bool:
        """Neither muted alone nor with everybody; owner, room admins and app admins speak under mute-all."""
        if group.muted_until(account, self.clock.now()):
            return False
        is_privileged = account == group.owner or account in group.admins or account in self.admins
        return is_privileged or not group.is_mute_all

    def online_count(self, group: Group) -> int:
        """The head count, as stale as the setting allows."""
        at, count = group.count_snapshot
        now = self.clock.now()
        if now - at >= self.settings.online_count_refresh_seconds:
            count = group.online_count
            group.count_snapshot = (now, count)
        return count

    def online_list(self, group: Group) -> list[Member]:
        """Online members, newest first, as stale as the setting allows."""
        at, members = group.list_snapshot
        now = self.clock.now()
        if now - at >= self.settings.member_list_refresh_seconds:
            members = [member for member in reversed(group.members.values()) if member.is_online]
            members = members[: 1000 if self.settings.has_member_list else 30]
            group.list_snapshot = (now, members)
        return members

    # Messages

    def earlier_send(self, group: Group, sender: str, random_number: int) -> tuple[int, int] | None:
        """MsgSeq and MsgTime of a message with this sender and Random within the window."""
        oldest = self.clock.now() - self.settings.duplicate_window_seconds
        randoms = group.randoms
        while randoms:
            key = next(iter(randoms))
            if randoms[key][0] >= oldest:
                break
            del randoms[key]
        found = randoms.get((sender, random_number))
        return (found[1], found[2]) if found else None

    def store(self, group: Group, message: Message) -> None:
        """Keep a delivered message under the next sequence number."""
        group.messages.append(message)
        group.last_message_at = message.sent_at
        group.randoms.pop((message.sender, message.random), None)
        group.randoms[(message.sender, message.random)] = (message.sent_at, message.seq, int(message.sent_at))

    def next_seq(self, group: Group) -> int:
        group.last_seq += 1
        return group.last_seq
