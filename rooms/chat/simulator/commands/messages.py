"""Messages and system notifications into a group (docs 34959, 34958)."""

from __future__ import annotations

from ..codes import RefusedError
from ..frequency import RANKS
from ..pipeline import Draft, check_body
from . import GROUP, Call, Entry
from .fields import Body

CALLBACKS = ("ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback")
MAX_AT_TARGETS = 30
MAX_NOTIFICATION = 12_288


async def send_group_msg(call: Call) -> Body:
    """Read the message, then let it through; a bad parameter also fires the exception webhook."""
    simulator = call.simulator
    try:
        group = simulator.world.group(call.fields.body.get("GroupId"))
        draft = _draft(call)
        if group.is_live and call.fields.items("To_Account", limit=50, may_lack=True):
            raise call.fields.refuse("To_Account is not for live rooms")
    except RefusedError as refusal:
        _tell_bad_parameters(call, refusal)
        raise
    outcome = await simulator.sender.send(group, draft)
    reply: Body = {"MsgTime": outcome.sent_at, "MsgSeq": outcome.seq}
    if outcome.drop_reason:
        reply["MsgDropReason"] = outcome.drop_reason
    return reply


def _draft(call: Call) -> Draft:
    fields, simulator = call.fields, call.simulator
    number = fields.whole("Random")
    priority = fields.text_or_none("MsgPriority") or "Normal"
    if priority not in RANKS:
        raise fields.refuse("MsgPriority must be High, Normal or Low")
    sender = fields.text_or_none("From_Account") or call.caller
    if sender not in simulator.world.accounts:
        raise fields.refuse("From_Account is not imported")
    control = fields.strings("SendMsgControl", limit=5, may_lack=True)
    if control and fields.whole_or_none("OnlineOnlyFlag", maximum=1):
        raise fields.refuse("SendMsgControl does not go with OnlineOnlyFlag")
    targets = fields.items("GroupAtInfo", limit=MAX_AT_TARGETS, over_code=10053, may_lack=True)
    forbidden = fields.strings("ForbidCallbackControl", limit=len(CALLBACKS), may_lack=True)
    if any(item not in CALLBACKS for item in forbidden):
        raise fields.refuse("ForbidCallbackControl is unknown")
    return Draft(
        sender=sender,
        operator=call.caller,
        body=check_body(fields.body.get("MsgBody")),
        random=number,
        origin=call.origin,
        priority=priority,
        cloud_custom_data=fields.text_or_none("CloudCustomData") or "",
        at_info=targets,
        is_before_forbidden=CALLBACKS[0] in forbidden,
        is_after_forbidden=CALLBACKS[1] in forbidden,
        is_mute_checked=simulator.settings.rest_respects_mutes,
    )


def _tell_bad_parameters(call: Call, refusal: RefusedError) -> None:
    body = call.fields.body
    number, elements, sender = body.get("Random"), body.get("MsgBody"), body.get("From_Account")
    group_id = body.get("GroupId")
    draft = Draft(
        sender=sender if isinstance(sender, str) else call.caller,
        operator=call.caller,
        body=[item for item in elements if isinstance(item, dict)] if isinstance(elements, list) else [],
        random=number if isinstance(number, int) and 0 <= number < 2**32 else 0,
        origin=call.origin,
    )
    wanted = group_id if isinstance(group_id, str) else ""
    group = call.simulator.world.groups.get(wanted)
    call.simulator.sender.tell_exception(group, draft, refusal, group_id=wanted)


async def send_group_system_notification(call: Call) -> Body:
    """To all inside a live room; not counted among the messages of the second."""
    fields = call.fields
    group = call.simulator.world.group(fields.body.get("GroupId"))
    content = fields.text("Content", max_bytes=MAX_NOTIFICATION)
    receivers = fields.strings("ToMembers_Account", limit=500, may_lack=True)
    if group.is_live and receivers:
        raise fields.refuse("ToMembers_Account is not for live rooms")
    data: Body = {"content": content}
    if receivers:
        for account in receivers:
            call.simulator.tell_clients(group, "system", data, only=account)
    else:
        call.simulator.tell_clients(group, "system", data)
    group.tally["system_notifications"] += 1
    return {}


COMMANDS = {
    f"{GROUP}/send_group_msg": Entry(send_group_msg),
    f"{GROUP}/send_group_system_notification": Entry(send_group_system_notification),
}
