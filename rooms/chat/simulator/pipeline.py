"""The way of a group message: checks, before-send webhook, frequency control, delivery, after-send."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field

import orjson

from .codes import RefusedError
from .feed import Feed
from .webhooks import AFTER_SEND, BEFORE_SEND, SEND_EXCEPTION, Answer, Body, Origin, Webhooks
from .world import Element, Group, Message, World

ELEMENT_TYPES = frozenset(
    {
        "TIMTextElem",
        "TIMCustomElem",
        "TIMFaceElem",
        "TIMLocationElem",
        "TIMImageElem",
        "TIMSoundElem",
        "TIMFileElem",
        "TIMVideoFileElem",
        "TIMRelayElem",
        "TIMStreamElem",
    }
)
TEXT_FIELDS = {"TIMTextElem": ("Text",), "TIMCustomElem": ("Data", "Desc", "Ext", "Sound")}
FREQUENCY_DROP = "MsgFreqCtrl"


@dataclass(slots=True)
class Draft:
    """A message on its way in."""

    sender: str
    operator: str
    body: list[Element]
    random: int
    origin: Origin
    priority: str = "Normal"
    cloud_custom_data: str = ""
    at_info: list[object] = field(default_factory=list)
    is_before_forbidden: bool = False
    is_after_forbidden: bool = False
    is_mute_checked: bool = True
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it. A silent drop is not delivered, yet its sender is told success."""

    is_delivered: bool
    sent_at: int
    seq: int = 0
    drop_reason: str = ""


def check_body(value: object, *, bad_code: int = 10004) -> list[Element]:
    """MsgBody as documented: known elements, at most one of them custom."""
    if not isinstance(value, list) or not 0 < len(value) <= 100:
        raise RefusedError(bad_code, "MsgBody must be an array of elements")
    custom_count = 0
    for element in value:
        if not isinstance(element, dict):
            raise RefusedError(bad_code, "an element of MsgBody must be an object")
        kind, content = element.get("MsgType"), element.get("MsgContent")
        if not isinstance(kind, str) or kind not in ELEMENT_TYPES or not isinstance(content, dict):
            raise RefusedError(bad_code, "MsgType or MsgContent is invalid")
        for name in TEXT_FIELDS.get(kind, ()):
            if not isinstance(content.get(name, ""), str):
                raise RefusedError(bad_code, f"{name} must be a string")
        if kind == "TIMTextElem" and "Text" not in content:
            raise RefusedError(bad_code, "Text is missing")
        custom_count += kind == "TIMCustomElem"
    if custom_count > 1:
        raise RefusedError(bad_code, "at most one TIMCustomElem")
    return value


class Sender:
    """Takes drafts through the pipeline."""

    def __init__(self, world: World, webhooks: Webhooks, feed: Feed) -> None:
        self._world = world
        self._webhooks = webhooks
        self._feed = feed
        self._under_way: dict[tuple[str, str, int], asyncio.Future[Outcome | RefusedError]] = {}

    async def send(self, group: Group, draft: Draft) -> Outcome:
        """Deliver, drop silently, or raise RefusedError. A repeat within the window gets the first outcome."""
        earlier = self._world.earlier_send(group, draft.sender, draft.random)
        if earlier is not None:
            group.tally["repeated"] += 1
            return Outcome(is_delivered=True, seq=earlier[0], sent_at=earlier[1])
        key = (group.group_id, draft.sender, draft.random)
        running = self._under_way.get(key)
        if running is not None:
            group.tally["repeated"] += 1
            found = await asyncio.shield(running)
            if isinstance(found, RefusedError):
                raise RefusedError(found.code, found.info)
            return found
        future: asyncio.Future[Outcome | RefusedError] = asyncio.get_running_loop().create_future()
        self._under_way[key] = future
        result: Outcome | RefusedError = RefusedError(10002)
        try:
            result = await self._carry(group, draft)
            return result
        except RefusedError as refusal:
            result = refusal
            raise
        finally:
            del self._under_way[key]
            future.set_result(result)

    async def _carry(self, group: Group, draft: Draft) -> Outcome:
        world, settings = self._world, self._world.settings
        now = world.clock.now()
        draft.message_id = self._message_id(draft, now)
        group.tally["offered"] += 1
        try:
            self._check_size(draft)
            if settings.message_checks != "webhook-first":
                self._check_mute(group, draft)
            dropped = await self._ask(group, draft)
            if settings.message_checks == "webhook-first":
                self._check_mute(group, draft)
        except RefusedError as refusal:
            group.tally["refused"] += 1
            if (
                refusal.code not in (10016, 80003) and not 10100 <= refusal.code <= 10200
            ) or settings.exception_on_refusal:
                self.tell_exception(group, draft, refusal)
            raise
        if dropped:
            group.tally["dropped_by_webhook"] += 1
            return Outcome(is_delivered=False, sent_at=int(now))
        wait = group.places.book(
            world.clock.now(),
            draft.priority,
            limit=settings.group_messages_per_second,
            hold=settings.overload_hold_seconds,
        )
        if wait is None:
            group.tally["dropped_by_frequency"] += 1
            group.tally[f"dropped_{draft.priority.lower()}"] += 1
            if settings.exception_on_frequency_drop:
                self.tell_exception(group, draft, RefusedError(10023))
            return Outcome(is_delivered=False, sent_at=int(now), drop_reason=FREQUENCY_DROP)
        if wait:
            await world.clock.sleep(wait)
        if world.groups.get(group.group_id) is not group:
            raise RefusedError(10010)
        return self._deliver(group, draft)

    def _check_size(self, draft: Draft) -> None:
        size = len(orjson.dumps(draft.body)) + len(draft.cloud_custom_data.encode())
        if size > self._world.settings.max_message_bytes:
            raise RefusedError(80002)

    def _check_mute(self, group: Group, draft: Draft) -> None:
        if draft.is_mute_checked and not self._world.may_speak(group, draft.sender):
            raise RefusedError(10017)

    async def _ask(self, group: Group, draft: Draft) -> bool:
        """The before-send webhook: True for a silent drop; may replace the body; raises on refusal."""
        if draft.is_before_forbidden:
            return False
        answer = await self._webhooks.ask(BEFORE_SEND, self._fields(group, draft), draft.origin)
        if answer.action == "failed":
            group.tally["webhook_failed"] += 1
            if not self._world.settings.deliver_on_webhook_failure:
                raise RefusedError(self._world.settings.webhook_failure_code)
        elif answer.action == "refuse":
            raise RefusedError(answer.code, answer.info)
        elif answer.action == "drop":
            return True
        else:
            self._replace(draft, answer)
        return False

    def _replace(self, draft: Draft, answer: Answer) -> None:
        """Take over what the webhook rewrote; what is not a proper message leaves the draft as it was."""
        if isinstance(answer.body, list) and answer.body:
            try:
                draft.body = check_body(answer.body)
            except RefusedError:
                return
        if isinstance(answer.cloud_custom_data, str):
            draft.cloud_custom_data = answer.cloud_custom_data

    def _deliver(self, group: Group, draft: Draft) -> Outcome:
        world = self._world
        now = world.clock.now()
        seq = world.next_seq(group)
        message = Message(
            seq=seq,
            sent_at=now,
            sender=draft.sender,
            random=draft.random,
            priority=draft.priority,
            body=draft.body,
            cloud_custom_data=draft.cloud_custom_data,
            message_id=draft.message_id,
        )
        world.store(group, message)
        group.tally["delivered"] += 1
        self._feed.publish(group.group_id, "message", show_message(world, group, message), receivers=group.members)
        if not draft.is_after_forbidden:
            fields = self._fields(group, draft)
            fields["MsgSeq"] = seq
            fields["MsgTime"] = int(now)
            if draft.at_info:
                fields["GroupAtInfo"] = draft.at_info
            self._webhooks.tell(AFTER_SEND, fields, draft.origin)
        return Outcome(is_delivered=True, seq=seq, sent_at=int(now))

    def tell_exception(self, group: Group | None, draft: Draft, refusal: RefusedError, *, group_id: str = "") -> None:
        """Report a message that failed; without a group for one that was never there."""
        fields: Body = {
            "GroupId": group.group_id if group else group_id,
            "Type": group.type if group else "",
            "From_Account": draft.sender,
            "Operator_Account": draft.operator,
            "Random": draft.random,
            "OnlineOnlyFlag": 0,
            "MsgBody": draft.body,
            "CloudCustomData": draft.cloud_custom_data,
            "ErrorCode": refusal.code,
            "ErrorInfo": refusal.info,
        }
        self._webhooks.tell(SEND_EXCEPTION, fields, draft.origin)

    def _fields(self, group: Group, draft: Draft) -> Body:
        settings = self._world.settings
        fields: Body = {
            "GroupId": group.group_id,
            "Type": group.type,
            "From_Account": draft.sender,
            "Operator_Account": draft.operator,
            "Random": draft.random,
            "OnlineOnlyFlag": 0,
            "MsgBody": draft.body,
            "CloudCustomData": draft.cloud_custom_data,
        }
        if settings.include_message_id:
            fields["MsgId"] = draft.message_id
        if settings.include_message_priority:
            fields["MsgPriority"] = draft.priority
        return fields

    def _message_id(self, draft: Draft, now: float) -> str:
        digest = int.from_bytes(hashlib.blake2s(draft.sender.encode(), digest_size=6).digest(), "big")
        return f"{144115188075855872 + digest}-{int(now)}-{self._world.random.getrandbits(32)}"


def show_message(world: World, group: Group, message: Message) -> dict[str, object]:
    """A message as clients and control calls see it."""
    return {
        "group_id": group.group_id,
        "seq": message.seq,
        "time": int(message.sent_at),
        "from": message.sender,
        "nick": world.nick(message.sender),
        "priority": message.priority,
        "random": message.random,
        "message_id": message.message_id,
        "body": message.body,
        "cloud_custom_data": message.cloud_custom_data,
    }
