"""What live events look like: each turns a payload of primary keys into swaps of a page's elements."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin

from rooms import live
from rooms.access import visible_rooms


def register() -> None:
    live.register_topic("wall", _may_watch_wall)
    live.register_topic("room", _may_watch_room)


def _may_watch_wall(user: AbstractBaseUser | AnonymousUser, rest: str) -> bool:
    return isinstance(user, PermissionsMixin) and not rest and user.has_perm("rooms.view_room")


def _may_watch_room(user: AbstractBaseUser | AnonymousUser, rest: str) -> bool:
    if not isinstance(user, PermissionsMixin) or not rest.isdecimal() or len(rest) > 18:
        return False
    return visible_rooms(user).filter(pk=int(rest)).exists()
