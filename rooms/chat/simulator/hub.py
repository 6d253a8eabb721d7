"""One simulated application: its world, its wire, its faults and its crowd, wired together."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Coroutine, Mapping

from .clock import Clock
from .codes import RefusedError
from .crowd import Crowds
from .faults import Faults
from .feed import Feed
from .frequency import RANKS, SlidingSecond
from .pipeline import Draft, Outcome, Sender, check_body
from .presence import Presence
from .records import CallRecord, Ring
from .settings import Settings, SimulatorConfig
from .snapshot import SAVE_SECONDS, Keeper
from .webhooks import Origin, Webhooks
from .world import Group, World

logger = logging.getLogger("greenroom.simulator")


class Simulator:
    """Everything a REST handler or a control call may touch."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.settings = config.settings
        self.clock = Clock(config.speed)
        self.world = World(clock=self.clock, settings=config.settings, admins=config.admin_accounts, seed=config.seed)
        self.faults = Faults()
        self.feed = Feed()
        self.webhooks = Webhooks(config, self.clock, self.faults)
        self.sender = Sender(self.world, self.webhooks, self.feed)
        self.presence = Presence(self)
        self.crowds = Crowds(self)
        self.calls: Ring[CallRecord] = Ring()
        self.rates: dict[str, SlidingSecond] = {}
        self.failed_signatures: dict[str, list[float]] = {}
        self.keeper: Keeper | None = None
        if config.state_file is not None:
            self.keeper = Keeper(self.world, config.state_file)
            self.keeper.restore()
        self._saving: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self.webhooks.start()
        if self.keeper is not None:
            self._saving = asyncio.create_task(self._save_often(self.keeper))

    async def stop(self) -> None:
        self.crowds.stop()
        if self._saving is not None:
            self._saving.cancel()
        if self.keeper is not None:
            self.keeper.save(is_final=True)
        for task in list(self._tasks):
            task.cancel()
        self.feed.close()
        await self.webhooks.stop()

    async def _save_often(self, keeper: Keeper) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            keeper.save()

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run in the background until done or until the simulator stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("work of the simulator failed", exc_info=task.exception())

    def change_settings(self, values: Mapping[str, object]) -> None:
        """Change named settings; raises SettingError and changes nothing when one is wrong."""
        self.settings = self.settings.changed(values)
        self._share(self.settings)

    def _share(self, settings: Settings) -> None:
        self.world.settings = settings
        self.webhooks.settings = settings

    def reset(self) -> None:
        """An empty world with the first settings, no faults, no crowd and no records."""
        self.crowds.stop()
        for task in list(self._tasks):
            task.cancel()
        self.feed.close()
        self.world.reset()
        self.presence.reset()
        self.faults.clear()
        self.calls.clear()
        self.webhooks.forget()
        self.rates.clear()
        self.failed_signatures.clear()
        self.settings = self.config.settings
        self._share(self.settings)
        self.clock.set_speed(self.config.speed)

    def viewer_origin(self, account: str, platform: str) -> Origin:
        """A made-up address that stays the same for an account."""
        digest = hashlib.blake2s(account.encode(), digest_size=2).digest()
        network = ("203.0.113", "198.51.100")[digest[0] & 1]
        return Origin(platform, f"{network}.{1 + digest[1] % 254}")

    async def speak(
        self,
        group: Group,
        account: str,
        *,
        elements: object,
        priority: str = "Normal",
        cloud_custom_data: str = "",
        random_number: int | None = None,
    ) -> Outcome:
        """A viewer inside the room says something; raises RefusedError with the code the viewer's client gets."""
        if priority not in RANKS:
            raise RefusedError(10004)
        member = group.members.get(account)
        if member is None:
            raise RefusedError(self.settings.not_inside_code, "the account is not in the room")
        draft = Draft(
            sender=account,
            operator=account,
            body=check_body(elements),
            random=self.world.random.getrandbits(32) if random_number is None else random_number,
            origin=self.viewer_origin(account, next(iter(member.platforms), "Web")),
            priority=priority,
            cloud_custom_data=cloud_custom_data,
        )
        return await self.sender.send(group, draft)

    def tell_clients(self, group: Group, kind: str, data: dict[str, object], *, only: str | None = None) -> None:
        """What the clients inside the room receive besides messages."""
        self.feed.publish(
            group.group_id, kind, {"group_id": group.group_id, **data}, receivers=group.members, only=only
        )
