"""Group attributes and counters (docs 44187 to 44190, 59499, 53427 to 53429)."""

from __future__ import annotations

from ..codes import RefusedError
from ..webhooks import ATTRIBUTES_CHANGED
from ..world import Group
from . import ATTRIBUTES, GROUP, Call, Entry
from .fields import Body

MAX_KEY, MAX_VALUE, MAX_KEYS, MAX_TOTAL, WRITES_A_SECOND = 32, 4000, 16, 16_000, 5
MAX_COUNTERS, MAX_COUNTER_KEY = 20, 128
INT64 = 2**63


async def get_group_attr(call: Call) -> Body:
    group = call.simulator.world.group(call.fields.body.get("GroupId"))
    return {"GroupAttrAry": [{"key": key, "value": value} for key, value in group.attributes.items()]}


async def modify_group_attr(call: Call) -> Body:
    group = call.simulator.world.group(call.fields.body.get("GroupId"))
    given = _given(call)
    return _write(call, group, "modify", {**group.attributes, **given}, given)


async def set_group_attr(call: Call) -> Body:
    group = call.simulator.world.group(call.fields.body.get("GroupId"))
    given = _given(call)
    return _write(call, group, "set", given, given)


async def delete_group_attr(call: Call) -> Body:
    group = call.simulator.world.group(call.fields.body.get("GroupId"))
    keys: list[str] = []
    for item in call.fields.objects("GroupAttr", limit=MAX_KEYS, over_code=10047):
        key = item.get("key")
        if not isinstance(key, str):
            raise call.fields.refuse("key must be a string")
        if key not in group.attributes:
            raise RefusedError(10050)
        keys.append(key)
    left = {key: value for key, value in group.attributes.items() if key not in keys}
    return _write(call, group, "delete", left, dict.fromkeys(keys, ""))


async def clear_group_attr(call: Call) -> Body:
    group = call.simulator.world.group(call.fields.body.get("GroupId"))
    return _write(call, group, "clear", {}, {})


def _given(call: Call) -> dict[str, str]:
    def check(key: str, value: object) -> str:
        if not isinstance(value, str):
            raise call.fields.refuse("value must be a string")
        if len(key.encode()) > MAX_KEY:
            raise RefusedError(10045)
        if len(value.encode()) > MAX_VALUE:
            raise RefusedError(10046)
        return value

    return call.fields.pairs("GroupAttr", "key", "value", check=check)


def _write(call: Call, group: Group, option: str, new: dict[str, str], told: dict[str, str]) -> Body:
    if len(new) > MAX_KEYS:
        raise RefusedError(10047)
    if sum(len(value.encode()) for value in new.values()) > MAX_TOTAL:
        raise RefusedError(10048)
    if not group.attribute_writes.take(call.simulator.clock.now(), WRITES_A_SECOND):
        raise RefusedError(10049)
    group.attributes = new
    call.simulator.tell_clients(group, "attributes", {"attributes": new})
    call.simulator.webhooks.tell(
        ATTRIBUTES_CHANGED,
        {
            "GroupId": group.group_id,
            "Type": group.type,
            "Operator_Account": call.caller,
            "OptionType": option,
            "GroupAttr": [{"key": key, "value": value} for key, value in told.items()],
        },
        call.origin,
    )
    return {}


async def get_group_counter(call: Call) -> Body:
    group = _counting_group(call)
    keys = call.fields.strings("GroupCounterKeys", limit=MAX_COUNTERS, may_lack=True) or list(group.counters)
    return {"GroupCounter": _counters(group, keys)}


async def update_group_counter(call: Call) -> Body:
    group = _counting_group(call)
    mode = call.fields.text_or_none("Mode") or "Set"
    if mode not in ("Set", "Increase", "Decrease"):
        raise call.fields.refuse("Mode is unknown")
    new = dict(group.counters)
    touched: list[str] = []
    for item in call.fields.objects("GroupCounter", limit=MAX_COUNTERS, over_code=10063):
        key, value = item.get("Key"), item.get("Value")
        if not isinstance(key, str) or not 0 < len(key.encode()) <= MAX_COUNTER_KEY:
            raise call.fields.refuse("Key must be a string of 1 to 128 bytes")
        if not isinstance(value, int) or isinstance(value, bool):
            raise call.fields.refuse("Value must be an integer")
        number = {"Set": value, "Increase": new.get(key, 0) + value, "Decrease": new.get(key, 0) - value}[mode]
        if not -INT64 <= number < INT64:
            raise call.fields.refuse("the counter would leave the range of int64")
        new[key] = number
        touched.append(key)
    if len(new) > MAX_COUNTERS:
        raise RefusedError(10063)
    group.counters = new
    values = {key: new[key] for key in touched}
    call.simulator.tell_clients(group, "counters", {"counters": values})
    return {"GroupCounter": _counters(group, list(values))}


async def delete_group_counter(call: Call) -> Body:
    group = _counting_group(call)
    keys = call.fields.strings("GroupCounterKeys", limit=MAX_COUNTERS, may_lack=True) or list(group.counters)
    for key in keys:
        group.counters.pop(key, None)
    return {}


def _counting_group(call: Call) -> Group:
    if not call.simulator.settings.has_counters:
        raise RefusedError(10059)
    group = call.simulator.world.group(call.fields.body.get("GroupId"))
    if group.type == "Community":
        raise RefusedError(10007)
    return group


def _counters(group: Group, keys: list[str]) -> list[Body]:
    return [{"Key": key, "Value": group.counters[key]} for key in keys if key in group.counters]


COMMANDS = {
    f"{ATTRIBUTES}/get_group_attr": Entry(get_group_attr),
    f"{GROUP}/modify_group_attr": Entry(modify_group_attr),
    f"{GROUP}/set_group_attr": Entry(set_group_attr),
    f"{GROUP}/delete_group_attr": Entry(delete_group_attr),
    f"{GROUP}/clear_group_attr": Entry(clear_group_attr),
    f"{GROUP}/get_group_counter": Entry(get_group_counter),
    f"{GROUP}/update_group_counter": Entry(update_group_counter),
    f"{GROUP}/delete_group_counter": Entry(delete_group_counter),
}
