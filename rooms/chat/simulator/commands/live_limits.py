"""What a live room cannot do (rest-api §13): the published answer to each such call."""

from __future__ import annotations

from ..codes import RefusedError
from . import GROUP, Call, Entry, Handler
from .fields import Body

REFUSED_ON_LIVE = {
    "add_group_member": 10007,
    "change_group_owner": 10007,
    "get_role_in_group": 10007,
    "import_group": 10007,
    "import_group_member": 10007,
    "import_group_msg": 10007,
    "delete_group_member": 10004,
    "get_group_member_info": 10007,
    "get_specified_group_member_info": 10007,
    "modify_group_member_info": 10007,
    "group_msg_get_simple": 10044,
    "get_group_msg_receipt": 10007,
    "get_group_msg_receipt_detail": 10007,
}
SILENT_ON_LIVE = ("delete_group_msg_by_sender", "set_unread_msg_num")


def _refuses(code: int) -> Handler:
    async def handler(call: Call) -> Body:
        group = call.simulator.world.group(call.fields.body.get("GroupId"))
        raise RefusedError(code if group.is_live else 10026)

    return handler


async def _does_nothing(call: Call) -> Body:
    group = call.simulator.world.group(call.fields.body.get("GroupId"))
    if not group.is_live:
        raise RefusedError(10026)
    return {}


COMMANDS = {f"{GROUP}/{command}": Entry(_refuses(code)) for command, code in REFUSED_ON_LIVE.items()}
COMMANDS |= {f"{GROUP}/{command}": Entry(_does_nothing) for command in SILENT_ON_LIVE}
