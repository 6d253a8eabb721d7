"""Member control: mutes, bans, head count, online list (docs 34951, 34964, 50295 to 50297, 38521, 50293)."""

from __future__ import annotations

from ..codes import RefusedError
from ..presence import ban
from ..world import FOREVER
from . import GROUP, LIVE_GROUP, Call, Entry
from .fields import Body

PAGE = 500


async def forbid_send_msg(call: Call) -> Body:
    """Mute or unmute; survives leaving and needs no membership in a live room."""
    fields, simulator = call.fields, call.simulator
    group = simulator.world.group(fields.body.get("GroupId"))
    if group.type == "Private":
        raise RefusedError(10007)
    accounts = fields.accounts("Members_Account", limit=500, over_code=10005)
    seconds = fields.whole("MuteTime", "ShutUpTime")
    now = simulator.clock.now()
    for account in accounts:
        if seconds:
            group.mutes[account] = float(FOREVER) if seconds >= FOREVER else now + seconds
        else:
            group.mutes.pop(account, None)
        if simulator.settings.notify_mute:
            simulator.tell_clients(group, "muted", {"account": account, "seconds": seconds}, only=account)
    return {}


async def get_group_muted_account(call: Call) -> Body:
    group = call.simulator.world.group(call.fields.body.get("GroupId"))
    return {"GroupId": group.group_id, "MutedAccountList": _muted(call, "MutedUntil")}


async def get_group_shutted_uin(call: Call) -> Body:
    """The older name of the muted list, with its older field names."""
    group = call.simulator.world.group(call.fields.body.get("GroupId"))
    return {"GroupId": group.group_id, "ShuttedUinList": _muted(call, "ShuttedUntil")}


def _muted(call: Call, label: str) -> list[Body]:
    group = call.simulator.world.group(call.fields.body.get("GroupId"))
    now = call.simulator.clock.now()
    return [
        {"Member_Account": account, label: _shown_until(call, until)}
        for account in list(group.mutes)
        if (until := group.muted_until(account, now))
    ]


async def ban_group_member(call: Call) -> Body:
    fields, simulator = call.fields, call.simulator
    _need_bans(call)
    group = simulator.world.live_group(fields.body.get("GroupId"))
    accounts = fields.accounts("Members_Account", limit=20, over_code=10005)
    seconds = fields.whole("Duration")
    note = fields.text_or_none("Description", max_bytes=1000) or ""
    if not seconds and simulator.settings.ban_of_zero_seconds == "refuse":
        raise fields.refuse("Duration is 0")
    for account in accounts:
        ban(simulator, group, account, seconds, note, call.caller, call.origin)
    return {}


async def unban_group_member(call: Call) -> Body:
    _need_bans(call)
    group = call.simulator.world.live_group(call.fields.body.get("GroupId"))
    for account in call.fields.accounts("Members_Account", limit=20, over_code=10005):
        group.bans.pop(account, None)
    return {}


async def get_group_ban_member(call: Call) -> Body:
    _need_bans(call)
    fields = call.fields
    group = call.simulator.world.live_group(fields.body.get("GroupId"))
    offset = fields.whole("Offset")
    limit = fields.whole_or_none("Limit")
    limit = 100 if limit is None else limit
    if not 0 < limit <= 100:
        raise fields.refuse("Limit must be from 1 to 100")
    now = call.simulator.clock.now()
    banned = [(account, until) for account in list(group.bans) if (until := group.banned_until(account, now))]
    page = banned[offset : offset + limit]
    return {
        "BannedAccountList": [
            {"Member_Account": account, "BannedUntil": _shown_until(call, until)} for account, until in page
        ],
        "NextOffset": offset + limit if offset + limit < len(banned) else 0,
    }


async def get_online_member_num(call: Call) -> Body:
    group = call.simulator.world.live_group(call.fields.body.get("GroupId"))
    return {"OnlineMemberNum": call.simulator.world.online_count(group)}


async def get_members(call: Call) -> Body:
    """Newest first, 500 a page; the cursor is opaque and comes back as NextTimestamp."""
    fields, world = call.fields, call.simulator.world
    group = world.live_group(fields.body.get("GroupId"))
    cursor = fields.whole_or_none("Timestamp", maximum=2**53) or 0
    fields.whole_or_none("Mark")
    members = world.online_list(group)
    if cursor:
        members = [member for member in members if member.order < cursor]
    page = members[:PAGE]
    return {
        "MemberList": [
            {
                "Member_Account": member.account,
                "JoinTime": int(member.joined_at),
                "NickName": world.nick(member.account),
                "Avatar": world.accounts[member.account].face_url if member.account in world.accounts else "",
            }
            for member in page
        ],
        "NextTimestamp": page[-1].order if len(members) > PAGE else 0,
    }


def _need_bans(call: Call) -> None:
    if not call.simulator.settings.has_bans:
        raise RefusedError(10007)


def _shown_until(call: Call, until: float) -> int:
    return call.simulator.settings.forever if until >= FOREVER else int(until)


COMMANDS = {
    f"{GROUP}/forbid_send_msg": Entry(forbid_send_msg),
    f"{GROUP}/get_group_muted_account": Entry(get_group_muted_account),
    f"{GROUP}/get_group_shutted_uin": Entry(get_group_shutted_uin),
    f"{GROUP}/ban_group_member": Entry(ban_group_member),
    f"{GROUP}/unban_group_member": Entry(unban_group_member),
    f"{GROUP}/get_group_ban_member": Entry(get_group_ban_member),
    f"{GROUP}/get_online_member_num": Entry(get_online_member_num),
    f"{LIVE_GROUP}/get_members": Entry(get_members),
}
