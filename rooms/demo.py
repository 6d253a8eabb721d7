"""The demo's people and rooms. Made once through the services; made again, what is there stays as it is.

May import services; nothing imports this but the `demo` command.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from rooms.actors import Actor
from rooms.models import ApiKey, BusinessApp, Room, User
from rooms.services import lifecycle

Status = Room.Status

APP_NAME: Final = "Demo shop"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    username: str
    role: str
    first_name: str
    is_staff: bool = False
    is_anchor: bool = False


@dataclass(frozen=True, slots=True)
class DemoRoom:
    """`in_hours` is when it is scheduled, from now."""

    group_id: str
    title: str
    anchor: str
    status: Status
    introduction: str
    notification: str
    in_hours: int = 0


ACCOUNTS: Final = (
    DemoAccount("operator", "operator", "Olivia", is_staff=True),
    DemoAccount("lead", "lead moderator", "Lena"),
    DemoAccount("moderator", "moderator", "Marco"),
    DemoAccount("analyst", "analyst", "Anh"),
    DemoAccount("finance", "finance", "Farid"),
    DemoAccount("anchor1", "anchor", "Mei Lin 美琳", is_anchor=True),
    DemoAccount("anchor2", "anchor", "Jonas Weber", is_anchor=True),
)

ROOMS: Final = (
    DemoRoom(
        "demo_night_market",
        "深夜厨房：跟美琳学做麻婆豆腐",
        "anchor1",
        Status.ON_LIVE,
        "每周五晚八点，一口锅、一道菜、一群吃货。",
        "今晚食谱已置顶，九点抽奖送铁锅一口！",
    ),
    DemoRoom(
        "demo_vinyl_hour",
        "The Vinyl Hour: City Pop and Rain",
        "anchor2",
        Status.ON_LIVE,
        "Two turntables, one crate of records, your requests.",
        "Requests are open until 21:30. One song each, please.",
    ),
    DemoRoom(
        "demo_spring_tea",
        "春茶开箱：龙井、碧螺春与茉莉",
        "anchor1",
        Status.ON_LIVE,
        "茶农直播间，边喝边聊，现场答疑。",
        "下单备注“直播间”，每单送试饮装两包。",
    ),
    DemoRoom(
        "demo_chess_blitz",
        "Blitz with Jonas: beat the streamer",
        "anchor2",
        Status.PAUSED,
        "Three-minute games against whoever dares.",
        "Short break. Back at a quarter past with the finals.",
    ),
    DemoRoom(
        "demo_sneaker_drop",
        "Sneaker drop: the autumn runners, live unboxing",
        "anchor2",
        Status.TO_BE_STARTED,
        "Twelve pairs, honest opinions, no scripts.",
        "Doors open ten minutes early.",
        in_hours=5,
    ),
    DemoRoom(
        "demo_calligraphy",
        "零基础书法课：从“永”字八法开始",
        "anchor1",
        Status.TO_BE_STARTED,
        "准备好毛笔和宣纸，初学者友好。",
        "明晚七点半开课，请提前进入直播间。",
        in_hours=26,
    ),
    DemoRoom(
        "demo_marathon",
        "City marathon: the last ten kilometres",
        "anchor2",
        Status.ENDED,
        "From the bridge to the finish line with two cameras.",
        "Thank you for watching! The replay follows tomorrow.",
    ),
    DemoRoom(
        "demo_lantern_fair",
        "元宵灯会全程回放",
        "anchor1",
        Status.PLAYED_BACK,
        "老城灯会，猜灯谜、看舞龙。",
        "精彩回放已上线，欢迎收藏。",
    ),
)


def ensure_accounts(password: str) -> dict[str, User]:
    """The demo's accounts with this password, by name. The operator may also keep accounts and keys in the admin."""
    users = {}
    for account in ACCOUNTS:
        user, is_new = User.objects.get_or_create(
            username=account.username,
            defaults={
                "first_name": account.first_name,
                "account": account.username if account.is_anchor else None,
                "is_staff": account.is_staff,
            },
        )
        if is_new:
            user.groups.add(Group.objects.get(name=account.role))
            if account.is_staff:
                user.user_permissions.set(_keeping_permissions())
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
        users[account.username] = user
    return users


def ensure_rooms(users: dict[str, User]) -> int:
    """The demo's rooms, each brought to its status by the steps an operator would take; how many are new."""
    actor = Actor.of_user(users["operator"])
    present = set(
        Room.objects.filter(group_id__in=[room.group_id for room in ROOMS]).values_list("group_id", flat=True)
    )
    missing = [room for room in ROOMS if room.group_id not in present]
    for demo in missing:
        room = lifecycle.create_room(
            actor=actor,
            title=demo.title,
            anchor=users[demo.anchor],
            group_id=demo.group_id,
            scheduled_at=_on_the_hour(demo.in_hours),
            introduction=demo.introduction,
            notification=demo.notification,
        )
        _bring_to(room, demo.status, actor)
    return len(missing)


def ensure_api_key() -> str:
    """The demo app's key when it is made now; empty when there is one already, for it cannot be read again."""
    app, is_new = BusinessApp.objects.get_or_create(name=APP_NAME)
    if not is_new and app.api_keys.exists():
        return ""
    _, text = ApiKey.objects.create_key(name="demo", app=app, scopes=list(ApiKey.Scope.values))
    return str(text)


def _bring_to(room: Room, status: Status, actor: Actor) -> None:
    if status == Status.TO_BE_STARTED:
        return
    lifecycle.start_room(room, actor=actor)
    if status == Status.PAUSED:
        lifecycle.pause_room(room, actor=actor)
    elif status in (Status.ENDED, Status.PLAYED_BACK):
        lifecycle.end_room(room, actor=actor)
        if status == Status.PLAYED_BACK:
            lifecycle.publish_replay(room, actor=actor, replay_url="https://replays.example.com/lantern-fair.m3u8")


def _on_the_hour(in_hours: int) -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=in_hours)


def _keeping_permissions() -> list[Permission]:
    return list(
        Permission.objects.filter(
            content_type__app_label="rooms", content_type__model__in=["user", "businessapp", "apikey"]
        )
    )
