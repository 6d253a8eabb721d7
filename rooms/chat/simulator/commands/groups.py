"""Groups: create, list, read, edit, destroy (docs 34895, 34960, 34961, 34962, 34896)."""

from __future__ import annotations

from ..codes import RefusedError
from ..webhooks import AFTER_CREATE, BEFORE_CREATE, DESTROYED, INFO_CHANGED
from ..world import LIVE, Group
from . import GROUP, Call, Entry
from .fields import Body, Fields

TYPES = {
    "Public": "Public",
    "Private": "Private",
    "ChatRoom": "ChatRoom",
    LIVE: LIVE,
    "Community": "Community",
}
TYPES |= {"Work": "Private", "Meeting": "ChatRoom"}
JOIN_OPTIONS = ("FreeAccess", "NeedPermission", "DisableApply")
PROFILE_BYTES = {"Introduction": 240, "Notification": 300, "FaceUrl": 100}
BASE_FIELDS = {
    "Name": "name",
    "Introduction": "introduction",
    "Notification": "notification",
    "FaceUrl": "face_url",
}


async def create_group(call: Call) -> Body:
    fields, simulator = call.fields, call.simulator
    world, webhooks = simulator.world, simulator.webhooks
    wanted = fields.text("Type")
    if wanted not in TYPES:
        raise fields.refuse("Type is unknown")
    group_type = TYPES[wanted]
    name = fields.text("Name", max_bytes=30)
    texts = {label: fields.text_or_none(label, max_bytes=limit) for label, limit in PROFILE_BYTES.items()}
    owner = fields.text_or_none("Owner_Account") or ""
    if owner and owner not in world.accounts:
        raise RefusedError(simulator.settings.unknown_owner_code)
    join_option = fields.text_or_none("ApplyJoinOption")
    if join_option is not None and join_option not in JOIN_OPTIONS:
        raise fields.refuse("ApplyJoinOption is unknown")
    capacity = fields.whole_or_none("MaxMemberCount") or 0
    custom = _custom_fields(call)
    initial = _initial_members(call, group_type)
    group_id = _wanted_id(fields, group_type)
    if group_id and group_id in world.groups:
        raise RefusedError(10025 if world.groups[group_id].owner == owner else 10021)
    members: list[Body] = [{"Member_Account": account} for account in initial]
    facts: Body = {
        "Operator_Account": call.caller,
        "Owner_Account": owner,
        "Type": group_type,
        "Name": name,
        "MemberList": members,
    }
    answer = await webhooks.ask(BEFORE_CREATE, facts, call.origin)
    if answer.action == "refuse":
        raise RefusedError(answer.code, answer.info)
    group = world.add_group(
        group_id=group_id or world.new_group_id(group_type), group_type=group_type, name=name, owner=owner
    )
    group.introduction = texts["Introduction"] or ""
    group.notification = texts["Notification"] or ""
    group.face_url = texts["FaceUrl"] or ""
    group.apply_join_option = "FreeAccess" if group.is_live else join_option or "NeedPermission"
    group.max_member_count = capacity
    group.custom.update({key: value for key, value in custom.items() if value})
    for account in initial:
        world.add_member(group, account, "Web")
    if simulator.settings.create_has_custom_fields and group.custom:
        facts["UserDefinedDataList"] = [{"Key": key, "Value": value} for key, value in group.custom.items()]
    webhooks.tell(AFTER_CREATE, {"GroupId": group.group_id, **facts}, call.origin)
    return {"GroupId": group.group_id}


async def destroy_group(call: Call) -> Body:
    simulator = call.simulator
    group = simulator.world.group(call.fields.body.get("GroupId"))
    members: list[Body] = [] if group.is_live else [{"Member_Account": account} for account in group.members]
    simulator.tell_clients(group, "destroyed", {"operator": call.caller})
    simulator.world.remove_group(group)
    simulator.feed.close(group.group_id)
    simulator.webhooks.tell(
        DESTROYED,
        {
            "GroupId": group.group_id,
            "Type": group.type,
            "Owner_Account": group.owner,
            "Name": group.name,
            "MemberList": members,
        },
        call.origin,
    )
    return {}


async def get_appid_group_list(call: Call) -> Body:
    fields = call.fields
    limit = fields.whole_or_none("Limit")
    limit = 10_000 if limit is None else limit
    if not 0 < limit <= 10_000:
        raise fields.refuse("Limit must be from 1 to 10000")
    start = fields.whole_or_none("Next") or 0
    wanted = fields.text_or_none("GroupType")
    if wanted is not None and wanted not in TYPES and wanted != "BChatRoom":
        raise fields.refuse("GroupType is unknown")
    group_type = TYPES.get(wanted, wanted) if wanted else None
    ids = [
        group.group_id
        for group in call.simulator.world.groups.values()
        if group_type is None or group.type == group_type
    ]
    page = ids[start : start + limit]
    following = start + limit if start + limit < len(ids) else 0
    return {"TotalCount": len(ids), "GroupIdList": [{"GroupId": item} for item in page], "Next": following}


async def get_group_info(call: Call) -> Body:
    wanted = call.fields.items("GroupIdList", limit=50)
    response_filter = call.fields.body.get("ResponseFilter")
    if response_filter is not None and not isinstance(response_filter, dict):
        raise call.fields.refuse("ResponseFilter must be an object")
    found: list[Body] = []
    for group_id in wanted:
        try:
            group = call.simulator.world.group(group_id)
        except RefusedError as refusal:
            found.append({"GroupId": group_id, "ErrorCode": refusal.code, "ErrorInfo": refusal.info})
            continue
        found.append(_shown(call, group, response_filter or {}))
    return {"GroupInfo": found}


async def modify_group_base_info(call: Call) -> Body:
    fields, simulator = call.fields, call.simulator
    group = simulator.world.group(fields.body.get("GroupId"))
    new: dict[str, str] = {}
    for label, limit in {"Name": 30, **PROFILE_BYTES}.items():
        value = fields.text_or_none(label, max_bytes=limit)
        if value is not None:
            new[label] = value
    if new.get("Name") == "":
        raise fields.refuse("Name is empty")
    mute_all = fields.flag("MuteAllMember", "ShutUpAllMember")
    join_option = fields.text_or_none("ApplyJoinOption")
    if join_option is not None and join_option not in JOIN_OPTIONS:
        raise fields.refuse("ApplyJoinOption is unknown")
    capacity = fields.whole_or_none("MaxMemberNum")
    operator = fields.text_or_none("From_Account") or call.caller
    if operator not in simulator.world.accounts:
        raise fields.refuse("From_Account is unknown")
    custom = _custom_fields(call)
    if len({**group.custom, **custom}) > 10:
        raise fields.refuse("more than 10 custom fields")

    changed: Body = {}
    for label, value in new.items():
        if getattr(group, BASE_FIELDS[label]) != value:
            setattr(group, BASE_FIELDS[label], value)
            changed[label] = value
    told_to_clients: Body = dict(changed)
    if mute_all is not None and mute_all != group.is_mute_all:
        group.is_mute_all = mute_all
        told_to_clients["MuteAllMember"] = "On" if mute_all else "Off"
    changed_custom = {key: value for key, value in custom.items() if group.custom.get(key, "") != value}
    for key, value in changed_custom.items():
        if value:
            group.custom[key] = value
        else:
            group.custom.pop(key, None)
    if changed_custom:
        told_to_clients["AppDefinedData"] = changed_custom
    if not group.is_live:
        group.apply_join_option = join_option or group.apply_join_option
        group.max_member_count = capacity or group.max_member_count
    if told_to_clients:
        group.touch(simulator.clock.now())
        simulator.tell_clients(group, "group_info", {"operator": operator, "changed": told_to_clients})
    _tell_info_changed(call, group, operator, changed, changed_custom)
    return {}


def _tell_info_changed(call: Call, group: Group, operator: str, changed: Body, custom: dict[str, str]) -> None:
    facts = dict(changed)
    if custom and call.simulator.settings.info_changed_has_custom_fields:
        facts["UserDefinedDataList"] = [{"Key": key, "Value": value} for key, value in custom.items()]
    if facts:
        call.simulator.webhooks.tell(
            INFO_CHANGED,
            {"GroupId": group.group_id, "Type": group.type, "Operator_Account": operator, **facts},
            call.origin,
        )


def _wanted_id(fields: Fields, group_type: str) -> str:
    group_id = fields.text_or_none("GroupId") or ""
    if not group_id:
        return ""
    if len(group_id) > 48 or not group_id.isascii() or not group_id.isprintable():
        raise RefusedError(10015)
    if (group_type == "Community") != group_id.startswith("@TGS#_"):
        raise RefusedError(10015)
    if group_type != "Community" and group_id.startswith("@TGS#"):
        raise RefusedError(10015)
    return group_id


def _initial_members(call: Call, group_type: str) -> list[str]:
    if "MemberList" not in call.fields.body:
        return []
    if group_type == LIVE:
        raise RefusedError(10007)
    members: list[str] = []
    for item in call.fields.objects("MemberList", limit=100, over_code=10005, may_lack=True):
        account = item.get("Member_Account")
        if not isinstance(account, str) or account not in call.simulator.world.accounts:
            raise RefusedError(10019)
        members.append(account)
    return members


def _custom_fields(call: Call) -> dict[str, str]:
    """AppDefinedData: declared keys with values up to 512 bytes; an empty value deletes."""
    if "AppDefinedData" not in call.fields.body:
        return {}
    declared = call.simulator.settings.declared_group_fields

    def check(key: str, value: object) -> str:
        if key not in declared or len(key.encode()) > 16:
            raise call.fields.refuse(f"AppDefinedData key {key[:32]} is not declared")
        if not isinstance(value, str) or len(value.encode()) > 512:
            raise call.fields.refuse("an AppDefinedData value must be a string of at most 512 bytes")
        return value

    if call.fields.body["AppDefinedData"] == []:
        return {}
    return call.fields.pairs("AppDefinedData", "Key", "Value", check=check, limit=10)


def _shown(call: Call, group: Group, response_filter: dict[str, object]) -> Body:
    members: list[Body] = []
    if not group.is_live:
        members = [
            {
                "Member_Account": member.account,
                "Role": "Owner" if member.account == group.owner else "Member",
                "JoinTime": int(member.joined_at),
                "MsgSeq": 0,
                "MsgFlag": "AcceptAndNotify",
                "LastSendMsgTime": 0,
                "MuteUntil": int(group.muted_until(member.account, call.simulator.clock.now())),
            }
            for member in list(group.members.values())[:6000]
        ]
    base: Body = {
        "Type": group.type,
        "Name": group.name,
        "Appid": call.simulator.config.sdkappid,
        "Introduction": group.introduction,
        "Notification": group.notification,
        "FaceUrl": group.face_url,
        "Owner_Account": group.owner,
        "CreateTime": int(group.created_at),
        "InfoSeq": group.info_seq,
        "LastInfoTime": int(group.last_info_at),
        "LastMsgTime": int(group.last_message_at),
        "NextMsgSeq": group.last_seq + 1,
        "MemberNum": call.simulator.world.online_count(group) if group.is_live else len(group.members),
        "MaxMemberNum": group.max_member_count,
        "ApplyJoinOption": group.apply_join_option,
        "MuteAllMember": "On" if group.is_mute_all else "Off",
    }
    custom: list[Body] = [{"Key": key, "Value": value} for key, value in group.custom.items()]
    shown: Body = {"GroupId": group.group_id, "ErrorCode": 0, "ErrorInfo": ""}
    if not response_filter:
        return {**shown, **base, "AppDefinedData": custom, "MemberList": members}
    chosen = response_filter.get("GroupBaseInfoFilter")
    if isinstance(chosen, list):
        shown |= {label: value for label, value in base.items() if label in chosen}
    chosen = response_filter.get("AppDefinedDataFilter_Group")
    if isinstance(chosen, list):
        shown["AppDefinedData"] = [item for item in custom if item["Key"] in chosen]
    chosen = response_filter.get("MemberInfoFilter")
    if isinstance(chosen, list):
        keep = {"Member_Account", *(item for item in chosen if isinstance(item, str))}
        shown["MemberList"] = [{key: item[key] for key in item if key in keep} for item in members]
    return shown


COMMANDS = {
    f"{GROUP}/create_group": Entry(create_group),
    f"{GROUP}/destroy_group": Entry(destroy_group),
    f"{GROUP}/get_appid_group_list": Entry(get_appid_group_list, rate=1, rate_code=10006),
    f"{GROUP}/get_group_info": Entry(get_group_info),
    f"{GROUP}/modify_group_base_info": Entry(modify_group_base_info),
}
