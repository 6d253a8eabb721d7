"""Greenroom's only speaker to Chat's REST API.

One method builds the authorisation, one maps errors, every call has a time-out, and an HTTP 200 that carries a
failure raises. Method names are Chat's command names; arguments are snake_case. Nothing here retries: whether to
try again is the courier's decision, and errors say whether it can help.
Protocol: https://www.tencentcloud.com/document/product/1047/34620.
"""

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson

from rooms.chat.config import ChatConfig
from rooms.chat.elements import Element, to_wire
from rooms.chat.errors import ChatUnavailable, error_for
from rooms.chat.usersig import AdminTicket

MUTE_FOR_EVER: Final = 4294967295
_GROUP: Final = "group_open_http_svc"
_GROUP_ATTR: Final = "group_open_attr_http_svc"
_AVCHATROOM: Final = "group_open_avchatroom_http_svc"


@dataclass(frozen=True, slots=True)
class SentMessage:
    """`drop_reason` is empty, or why Chat dropped the message although it answered OK."""

    seq: int
    sent_at: int
    drop_reason: str


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A group's profile as Chat has it; `fields` are its custom fields, `is_mute_all` its global mute."""

    group_id: str
    name: str
    introduction: str
    notification: str
    face_url: str
    owner: str
    is_mute_all: bool
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class OnlineMember:
    account: str
    joined_at: int
    nick: str
    avatar_url: str


class _HideTicket(logging.Filter):
    """httpx logs the address of every request, at INFO: cut the administrator's ticket out of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                argument.copy_remove_param("usersig") if isinstance(argument, httpx.URL) else argument
                for argument in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_HideTicket())


class ChatClient:
    """Thread-safe; keeps its connections. Every method raises a ChatError subclass when Chat did not do it."""

    # Chat's own processing limit is 3 s, so a shorter read time-out would give up on calls that succeed.
    timeout = httpx.Timeout(8.0, connect=3.0)

    def __init__(self, config: ChatConfig, *, transport: httpx.BaseTransport | None = None) -> None:
        self._config = config
        self._ticket = AdminTicket(sdkappid=config.sdkappid, key=config.secret_key, account=config.admin_account)
        self._http = httpx.Client(
            base_url=config.api_url,
            timeout=self.timeout,
            transport=transport,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=32),
        )

    def close(self) -> None:
        self._http.close()

    def call(self, service: str, command: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST one command and return its answer; judged by ErrorCode, as some answers have no ActionStatus."""
        try:
            response = self._http.post(
                f"/v4/{service}/{command}",
                params=self._authorisation(),
                content=orjson.dumps(body),
                headers={"Content-Type": "application/json"},
            )
        except httpx.TimeoutException as error:
            raise ChatUnavailable(0, f"Chat did not answer {command} in time.") from error
        except httpx.HTTPError as error:
            # The exception's own text may carry the URL, and with it the ticket.
            raise ChatUnavailable(0, f"Chat could not be reached ({type(error).__name__}).") from None
        if response.status_code != 200:
            raise ChatUnavailable(0, f"Chat answered {command} with HTTP {response.status_code}.")
        try:
            answer = orjson.loads(response.content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("ErrorCode"), int):
            raise ChatUnavailable(0, f"Chat's answer to {command} could not be read.")
        if answer["ErrorCode"] != 0 or answer.get("ActionStatus") == "FAIL":
            raise error_for(answer["ErrorCode"], str(answer.get("ErrorInfo") or "no reason given"))
        return answer

    def _authorisation(self) -> dict[str, str | int]:
        return {
            "sdkappid": self._config.sdkappid,
            "identifier": self._config.admin_account,
            "usersig": self._ticket.usersig(),
            "random": random.getrandbits(32),
            "contenttype": "json",
        }

    def account_import(self, *, account: str, nick: str = "", face_url: str = "") -> None:
        """Make `account` known to Chat; harmless to repeat (doc 34953)."""
        body = {"UserID": account}
        if nick:
            body["Nick"] = nick
        if face_url:
            body["FaceUrl"] = face_url
        self.call("im_open_login_svc", "account_import", body)

    def create_group(
        self,
        *,
        group_id: str,
        name: str,
        owner: str,
        introduction: str = "",
        notification: str = "",
        face_url: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> None:
        """Create a live room's AVChatRoom under our own id (doc 34895). Limits are UTF-8 bytes."""
        body: dict[str, Any] = {
            "Type": "AVChatRoom",
            "GroupId": group_id,
            "Name": name,
            "Owner_Account": owner,
            "Introduction": introduction,
            "Notification": notification,
            "FaceUrl": face_url,
        }
        if fields:
            body["AppDefinedData"] = _pairs(fields)
        self.call(_GROUP, "create_group", body)

    def modify_group_base_info(
        self,
        *,
        group_id: str,
        name: str | None = None,
        introduction: str | None = None,
        notification: str | None = None,
        face_url: str | None = None,
        is_mute_all: bool | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        """Change what is given and leave the rest (doc 34962)."""
        given = {
            "Name": name,
            "Introduction": introduction,
            "Notification": notification,
            "FaceUrl": face_url,
        }
        body: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        if is_mute_all is not None:
            body["MuteAllMember"] = "On" if is_mute_all else "Off"
        if fields:
            body["AppDefinedData"] = _pairs(fields)
        self.call(_GROUP, "modify_group_base_info", {"GroupId": group_id, **body})

    def destroy_group(self, *, group_id: str) -> None:
        self.call(_GROUP, "destroy_group", {"GroupId": group_id})

    def get_group_info(self, *, group_id: str) -> GroupInfo:
        """One group's profile (doc 34961); a missing group raises with its own code."""
        answer = self.call(_GROUP, "get_group_info", {"GroupIdList": [group_id]})
        item = (answer.get("GroupInfo") or [{}])[0]
        if item.get("ErrorCode"):
            raise error_for(item["ErrorCode"], str(item.get("ErrorInfo") or "no reason given"))
        return GroupInfo(
            group_id=item.get("GroupId", group_id),
            name=item.get("Name", ""),
            introduction=item.get("Introduction", ""),
            notification=item.get("Notification", ""),
            face_url=item.get("FaceUrl", ""),
            owner=item.get("Owner_Account", ""),
            is_mute_all=item.get("MuteAllMember") == "On",
            fields={pair["Key"]: pair["Value"] for pair in item.get("AppDefinedData") or []},
        )

    def modify_group_attr(self, *, group_id: str, attributes: Mapping[str, str]) -> None:
        """Set these attributes and leave the others (doc 44188); at most 5 writes a second for a group."""
        self.call(_GROUP, "modify_group_attr", {"GroupId": group_id, "GroupAttr": _attributes(attributes)})

    def get_group_attr(self, *, group_id: str) -> dict[str, str]:
        answer = self.call(_GROUP_ATTR, "get_group_attr", {"GroupId": group_id})
        return {item["key"]: item["value"] for item in answer.get("GroupAttrAry") or []}

    def send_group_msg(
        self,
        *,
        group_id: str,
        elements: list[Element],
        random: int,
        priority: str = "Normal",
        sender: str = "",
        cloud_custom_data: str = "",
        is_callback_forbidden: bool = False,
    ) -> SentMessage:
        """Send into a room (doc 34959). The same `random` within five minutes is delivered once."""
        body: dict[str, Any] = {
            "GroupId": group_id,
            "Random": random,
            "MsgPriority": priority,
            "MsgBody": to_wire(elements),
        }
        if sender:
            body["From_Account"] = sender
        if cloud_custom_data:
            body["CloudCustomData"] = cloud_custom_data
        if is_callback_forbidden:
            body["ForbidCallbackControl"] = ["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"]
        answer = self.call(_GROUP, "send_group_msg", body)
        return SentMessage(
            seq=answer.get("MsgSeq", 0),
            sent_at=answer.get("MsgTime", 0),
            drop_reason=answer.get("MsgDropReason") or "",
        )

    def forbid_send_msg(self, *, group_id: str, accounts: list[str], seconds: int) -> None:
        """Mute for `seconds`; 0 lifts, MUTE_FOR_EVER never ends (doc 34951)."""
        self.call(_GROUP, "forbid_send_msg", {"GroupId": group_id, "Members_Account": accounts, "MuteTime": seconds})

    def get_online_member_num(self, *, group_id: str) -> int:
        """Head count, refreshed by Chat about every 10 s (doc 38521)."""
        answer = self.call(_GROUP, "get_online_member_num", {"GroupId": group_id})
        return int(answer.get("OnlineMemberNum", 0))

    def get_members(self, *, group_id: str, timestamp: int = 0) -> tuple[list[OnlineMember], int]:
        """One page of who is inside, and where the next begins, 0 at the end (doc 50293)."""
        answer = self.call(_AVCHATROOM, "get_members", {"GroupId": group_id, "Timestamp": timestamp})
        members = [
            OnlineMember(
                account=item["Member_Account"],
                joined_at=item.get("JoinTime", 0),
                nick=item.get("NickName", ""),
                avatar_url=item.get("Avatar", ""),
            )
            for item in answer.get("MemberList") or []
        ]
        return members, int(answer.get("NextTimestamp", 0))


def _pairs(fields: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in fields.items()]


def _attributes(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in attributes.items()]
