"""Who does something: a signed-in user, a business app's key, or Greenroom itself. Services require one."""

from dataclasses import dataclass
from typing import Self

from rooms.models.users import User


@dataclass(frozen=True, slots=True)
class Actor:
    kind: str
    name: str
    user: User | None = None

    @classmethod
    def of_user(cls, user: User) -> Self:
        return cls("user", user.display_name, user)

    @classmethod
    def of_app(cls, app_name: str) -> Self:
        return cls("app", app_name)

    @classmethod
    def of_system(cls, name: str) -> Self:
        return cls("system", name)
