"""Every point on which Chat's documents are silent, contradictory or switchable, as one named setting each.

Defaults follow the documents where they speak. `manage.py simulate --help` prints this list,
`GET /sim/settings` answers it, `POST /sim/settings` changes it while the simulator runs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def setting(default: T, text: str) -> T:
    """A dataclass field that carries its own line of help."""
    return field(default=default, metadata={"help": text})


CHOICES = {
    "webhook_signature": ("on", "off", "wrong", "stale", "upper"),
    "message_checks": ("mute-first", "webhook-first"),
    "ban_of_zero_seconds": ("kick", "refuse"),
}


class SettingError(ValueError):
    """A named setting that does not exist, or a value of the wrong kind."""


@dataclass(frozen=True)
class Settings:
    """The named settings. The text beside each is its documentation."""

    # REST gateway
    rest_rate_limit: int = setting(200, "Calls a second for each REST interface without a limit of its own.")
    rest_rate_code: int = setting(60007, "Code for a call over the interface's rate (60007, 60011 or 60018).")
    max_body_bytes: int = setting(262_144, "Largest REST body read; a longer one is refused.")
    strict_query: bool = setting(False, "Refuse (60002) a URL without a u32 random and contenttype=json.")
    failed_signatures_before_lock: int = setting(
        0, "Wrong UserSigs of one identifier in a minute before 70050; 0 never locks."
    )
    # Groups
    declared_group_fields: tuple[str, ...] = setting(
        ("room_status",), "AppDefinedData keys declared in the console; any other key is 10004."
    )
    live_room_limit: int = setting(0, "AVChatRooms an application may hold (10036 beyond); 0 is no limit.")
    unknown_owner_code: int = setting(10019, "Code for create_group with an owner who was never imported.")
    duplicate_window_seconds: float = setting(
        300.0, "A send with the same sender and Random within this time is answered with the first MsgSeq."
    )
    forever: int = setting(4_294_967_295, "How a mute or ban without end is shown in the lists.")
    has_counters: bool = setting(True, "The plan includes group counters; otherwise 10059.")
    has_bans: bool = setting(True, "The plan and console switch for banning are on; otherwise 10007.")
    has_member_list: bool = setting(
        True, "The online member list is on (1000 newest; otherwise 30) and presence fires."
    )
    online_count_refresh_seconds: float = setting(
        0.0,
        "How stale get_online_member_num may be; Chat: about 10 s from 300 people or with web users.",
    )
    member_list_refresh_seconds: float = setting(0.0, "How stale get_members may be; Chat says 40 s.")
    banned_join_code: int = setting(10007, "Code a banned viewer's client gets on joining.")
    not_inside_code: int = setting(10007, "Code a client gets for speaking in a room it has not joined.")
    ban_of_zero_seconds: str = setting(
        "kick", "What Duration 0 does: 'kick' (removed, may return) or 'refuse' (10004)."
    )
    # Messages
    group_messages_per_second: int = setting(40, "Messages a group carries in any second; what is over is dropped.")
    overload_hold_seconds: float = setting(
        1.0,
        "A message that finds the second full of lower priorities waits up to this long for the next place; "
        "0 drops it at once. Equal and lower priorities are always dropped at once.",
    )
    max_message_bytes: int = setting(12_288, "Largest message, body and CloudCustomData together (80002 beyond).")
    rest_respects_mutes: bool = setting(True, "send_group_msg in the name of a muted account is 10017.")
    notify_mute: bool = setting(False, "Tell a viewer's client that it was muted (off on live rooms by default).")
    message_checks: str = setting(
        "mute-first", "'mute-first' checks mutes before the webhook, 'webhook-first' after it."
    )
    # Webhooks
    webhooks_off: tuple[str, ...] = setting((), "Webhook commands switched off in the console.")
    webhook_timeout_seconds: float = setting(2.0, "Time a webhook may take.")
    webhook_signature: str = setting("on", "'on', 'off', 'wrong', 'stale' (61 s old) or 'upper' (upper-case hex).")
    deliver_on_webhook_failure: bool = setting(True, "Console switch: deliver when the before-send webhook fails.")
    webhook_failure_code: int = setting(10016, "Code the sender gets when that switch is off (10016 or 80003).")
    webhook_retries: int = setting(0, "Repeats of a failed after-type webhook.")
    webhook_retry_seconds: tuple[float, ...] = setting((1.0, 3.0), "Waits before those repeats; the last one stays.")
    webhook_connections: int = setting(32, "Connections, and after-type webhooks under way, at once.")
    event_time_as_string: bool = setting(False, "Send EventTime as text, as many sample pages print it.")
    include_message_id: bool = setting(True, "Send MsgId (absent in traffic before 2025).")
    include_message_priority: bool = setting(True, "Send the undocumented MsgPriority.")
    include_request_id: bool = setting(False, "Add the undocumented RequestID to the query.")
    exception_on_refusal: bool = setting(False, "A webhook's refusal also fires SendMsgException.")
    exception_on_frequency_drop: bool = setting(False, "A drop by frequency control also fires SendMsgException.")
    info_changed_has_custom_fields: bool = setting(
        False, "AfterGroupInfoChanged also reports custom fields (by ticket)."
    )
    create_has_custom_fields: bool = setting(True, "AfterCreateGroup carries UserDefinedDataList (by ticket).")
    second_terminal_fires_join: bool = setting(
        False, "Another device of a viewer inside fires AfterNewMemberJoin again."
    )
    ban_fires_exit: bool = setting(True, "A ban fires AfterMemberExit with ExitType Kicked.")
    presence_batch_seconds: float = setting(0.1, "How long presence events are gathered into one MemberList.")
    presence_batch_size: int = setting(20, "Members in one presence event at most.")
    heartbeat_seconds: float = setting(40.0, "Silence after a Disconnect before HeartbeatInterrupt (Chat: 30 to 50 s).")

    def changed(self, values: Mapping[str, object]) -> Settings:
        """A copy with these values; raises SettingError for an unknown name or a value of another kind."""
        fields = {item.name: item for item in dataclasses.fields(self)}
        cleaned: dict[str, object] = {}
        for name, value in values.items():
            if name not in fields:
                raise SettingError(f"There is no setting named {name}.")
            cleaned[name] = _cast(name, getattr(self, name), value, fields[name].default)
        return dataclasses.replace(self, **cleaned)  # type: ignore[arg-type]

    def lines(self) -> Iterator[tuple[str, object, str]]:
        """Name, value and help of every setting, in order."""
        for item in dataclasses.fields(self):
            yield item.name, getattr(self, item.name), str(item.metadata["help"])


def _cast(name: str, current: object, value: object, default: object) -> object:
    if isinstance(current, bool):
        if isinstance(value, bool):
            return value
    elif isinstance(current, int):
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32:
            return value
    elif isinstance(current, float):
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
            return float(value)
    elif isinstance(current, str):
        if value in CHOICES[name]:
            return value
    elif isinstance(current, tuple) and isinstance(value, list | tuple) and len(value) <= 100:
        if name == "webhook_retry_seconds":
            if all(isinstance(item, int | float) and not isinstance(item, bool) and item >= 0 for item in value):
                return tuple(float(item) for item in value)
        elif all(isinstance(item, str) for item in value):
            return tuple(value)
    raise SettingError(f"{name} must look like {default!r}.")


@dataclass(frozen=True)
class SimulatorConfig:
    """Who the simulator plays and whom it calls.

    An empty webhook URL fires nothing; without a state file a restart forgets everything.
    """

    sdkappid: int
    secret_key: str = field(repr=False)
    admin_accounts: tuple[str, ...] = ("administrator",)
    webhook_url: str = ""
    webhook_token: str = field(default="", repr=False)
    speed: float = 1.0
    seed: int = 20261120
    state_file: Path | None = None
    settings: Settings = field(default_factory=Settings)
