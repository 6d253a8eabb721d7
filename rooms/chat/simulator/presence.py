"""Coming and going: joins, leaves, bans, logins and lost connections, with the webhooks each one fires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .codes import RefusedError
from .webhooks import AFTER_EXIT, AFTER_JOIN, BEFORE_JOIN, PRESENCE, STATE_CHANGE, Origin
from .world import FOREVER, Group

if TYPE_CHECKING:
    from .hub import Simulator

PLATFORMS = ("Web", "Android", "iOS", "Windows", "Mac", "iPad", "Linux", "Unknown")
REASONS = {
    "Login": ("Register",),
    "Logout": ("Unregister",),
    "Disconnect": ("LinkClose", "TimeOut"),
}


class Presence:
    """Who is inside, and who hears of it."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._batches: dict[tuple[str, str, str], list[str]] = {}
        self._lost: dict[tuple[str, str, str], object] = {}

    def reset(self) -> None:
        self._batches.clear()
        self._lost.clear()

    async def join(self, group: Group, account: str, platform: str) -> bool:
        """Enter a room; False when this device is inside already. Raises RefusedError as Chat refuses."""
        world, webhooks = self._simulator.world, self._simulator.webhooks
        settings = self._simulator.settings
        self._refuse_banned(group, account)
        origin = self._simulator.viewer_origin(account, platform)
        member = group.members.get(account)
        if member is not None and member.platforms.get(platform):
            return False
        if member is None:
            fields: dict[str, object] = {
                "GroupId": group.group_id,
                "Type": group.type,
                "Requestor_Account": account,
            }
            answer = await webhooks.ask(BEFORE_JOIN, fields, origin)
            if answer.action == "refuse":
                raise RefusedError(answer.code, answer.info)
            if world.groups.get(group.group_id) is not group:
                raise RefusedError(10010)
            self._refuse_banned(group, account)
        _, is_new, is_first_device = world.add_member(group, account, platform)
        if is_new or settings.second_terminal_fires_join:
            webhooks.tell(
                AFTER_JOIN,
                {
                    "GroupId": group.group_id,
                    "Type": group.type,
                    "JoinType": "Apply",
                    "Operator_Account": account,
                    "NewMemberList": [{"Member_Account": account}],
                },
                origin,
            )
        if is_first_device:
            self._gather(group, account, "Online", "Join" if is_new else "HeartbeatRecover")
        if is_new:
            self._simulator.tell_clients(group, "member_enter", {"account": account, "nick": world.nick(account)})
        return True

    def leave(self, group: Group, account: str, platform: str | None) -> bool:
        """Leave on purpose; False when the account was not inside or another device stays."""
        gone = self._simulator.world.remove_member(group, account, platform)
        if not gone:
            return False
        self._tell_exit(group, account, "Quit", account, self._simulator.viewer_origin(account, platform or "Web"))
        self._gather(group, account, "Offline", "Quit")
        self._simulator.tell_clients(group, "member_leave", {"account": account})
        return True

    def remove(self, group: Group, account: str, operator: str, origin: Origin, kind: str, note: str) -> None:
        """Put somebody out: the client is told, then it hears nothing more."""
        self._simulator.tell_clients(group, kind, {"account": account, "description": note}, only=account)
        if not self._simulator.world.remove_member(group, account):
            return
        if self._simulator.settings.ban_fires_exit:
            self._tell_exit(group, account, "Kicked", operator, origin)
        self._gather(group, account, "Offline", "Quit")
        self._simulator.tell_clients(group, "member_leave", {"account": account})

    def change_state(self, account: str, action: str, platform: str, reason: str) -> None:
        """An account logs in, out, or loses its connection: State.StateChange, then presence in its rooms."""
        simulator = self._simulator
        simulator.world.import_account(account)
        simulator.webhooks.tell(
            STATE_CHANGE,
            {"Info": {"Action": action, "To_Account": account, "Reason": reason}},
            simulator.viewer_origin(account, platform),
        )
        rooms = [group for group in simulator.world.groups.values() if account in group.members]
        for group in rooms:
            member = group.members[account]
            if platform not in member.platforms:
                continue
            was_online = member.is_online
            if action == "Login":
                self._lost.pop((group.group_id, account, platform), None)
                member.platforms[platform] = True
                if not was_online:
                    self._gather(group, account, "Online", "HeartbeatRecover")
            elif action == "Logout":
                if simulator.world.remove_member(group, account, platform):
                    self._gather(group, account, "Offline", "Quit")
                    simulator.tell_clients(group, "member_leave", {"account": account})
            elif was_online:
                simulator.spawn(self._lose_heartbeat(group, account, platform))

    async def _lose_heartbeat(self, group: Group, account: str, platform: str) -> None:
        """Count a device as gone once its silence has lasted; a login meanwhile changes nothing."""
        key, mark = (group.group_id, account, platform), object()
        self._lost[key] = mark
        await self._simulator.clock.sleep(self._simulator.settings.heartbeat_seconds)
        if self._lost.get(key) is not mark:
            return
        del self._lost[key]
        member = group.members.get(account)
        if member is None or not member.platforms.get(platform):
            return
        member.platforms[platform] = False
        if not member.is_online:
            self._gather(group, account, "Offline", "HeartbeatInterrupt")

    def _refuse_banned(self, group: Group, account: str) -> None:
        if group.banned_until(account, self._simulator.clock.now()):
            raise RefusedError(self._simulator.settings.banned_join_code, "the account is banned from this room")

    def _tell_exit(self, group: Group, account: str, exit_type: str, operator: str, origin: Origin) -> None:
        self._simulator.webhooks.tell(
            AFTER_EXIT,
            {
                "GroupId": group.group_id,
                "Type": group.type,
                "ExitType": exit_type,
                "Operator_Account": operator,
                "ExitMemberList": [{"Member_Account": account}],
            },
            origin,
        )

    def _gather(self, group: Group, account: str, event: str, cause: str) -> None:
        """Collect presence events for a moment and send several members at once, as Chat does."""
        settings = self._simulator.settings
        if not group.is_live or not settings.has_member_list or not self._simulator.webhooks.is_on(PRESENCE):
            return
        # Events of one room keep their order: a different kind of event flushes what waits.
        for key in [key for key in self._batches if key[0] == group.group_id and key != (group.group_id, event, cause)]:
            self._flush(key)
        key = (group.group_id, event, cause)
        batch = self._batches.setdefault(key, [])
        batch.append(account)
        if len(batch) >= settings.presence_batch_size or not settings.presence_batch_seconds:
            self._flush(key)
        elif len(batch) == 1:
            self._simulator.spawn(self._flush_later(key))

    async def _flush_later(self, key: tuple[str, str, str]) -> None:
        await self._simulator.clock.sleep(self._simulator.settings.presence_batch_seconds)
        self._flush(key)

    def _flush(self, key: tuple[str, str, str]) -> None:
        accounts = self._batches.pop(key, [])
        if accounts:
            group_id, event, cause = key
            self._simulator.webhooks.tell(
                PRESENCE,
                {
                    "GroupId": group_id,
                    "EventType": event,
                    "EventCause": cause,
                    "MemberList": [{"Member_Account": account} for account in accounts],
                },
                None,
            )


def ban(
    simulator: Simulator, group: Group, account: str, seconds: int, note: str, operator: str, origin: Origin
) -> None:
    """Put an account out and keep it out; with 0 seconds it may come back at once."""
    if seconds:
        until = float(FOREVER) if seconds >= FOREVER else simulator.clock.now() + seconds
        group.bans[account] = (until, note)
    simulator.presence.remove(group, account, operator, origin, "banned" if seconds else "kicked", note)
