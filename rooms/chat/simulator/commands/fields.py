"""Read the fields of a request body; each wrong one is refused with the service's own code."""

from __future__ import annotations

from collections.abc import Callable

from ..codes import RefusedError
from ..world import is_account_id

Body = dict[str, object]
MAX_U32 = 2**32 - 1


class Fields:
    """One body. Later names in a call are older spellings of the first."""

    def __init__(self, body: Body, bad_code: int = 10004) -> None:
        self.body = body
        self.bad_code = bad_code

    def _find(self, names: tuple[str, ...]) -> object:
        for name in names:
            if name in self.body:
                return self.body[name]
        return None

    def refuse(self, text: str) -> RefusedError:
        return RefusedError(self.bad_code, text)

    def text(self, *names: str, max_bytes: int | None = None) -> str:
        """A required, non-empty string."""
        value = self.text_or_none(*names, max_bytes=max_bytes)
        if not value:
            raise self.refuse(f"{names[0]} is missing")
        return value

    def text_or_none(self, *names: str, max_bytes: int | None = None) -> str | None:
        value = self._find(names)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refuse(f"{names[0]} must be a string")
        if max_bytes is not None and len(value.encode()) > max_bytes:
            raise self.refuse(f"{names[0]} is longer than {max_bytes} bytes")
        return value

    def whole(self, *names: str, maximum: int = MAX_U32) -> int:
        """A required integer from 0."""
        value = self.whole_or_none(*names, maximum=maximum)
        if value is None:
            raise self.refuse(f"{names[0]} is missing")
        return value

    def whole_or_none(self, *names: str, maximum: int = MAX_U32) -> int | None:
        value = self._find(names)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
            raise self.refuse(f"{names[0]} must be an integer from 0 to {maximum}")
        return value

    def items(self, *names: str, limit: int, over_code: int | None = None, may_lack: bool = False) -> list[object]:
        """A list; required and not empty unless it may lack."""
        value = self._find(names)
        if value is None and may_lack:
            return []
        if not isinstance(value, list) or (not value and not may_lack):
            raise self.refuse(f"{names[0]} must be an array")
        if len(value) > limit:
            raise RefusedError(over_code or self.bad_code, f"{names[0]} has more than {limit} items")
        return value

    def objects(self, *names: str, limit: int, over_code: int | None = None, may_lack: bool = False) -> list[Body]:
        found: list[Body] = []
        for item in self.items(*names, limit=limit, over_code=over_code, may_lack=may_lack):
            if not isinstance(item, dict):
                raise self.refuse(f"{names[0]} must hold objects")
            found.append(item)
        return found

    def strings(self, *names: str, limit: int, over_code: int | None = None, may_lack: bool = False) -> list[str]:
        found: list[str] = []
        for item in self.items(*names, limit=limit, over_code=over_code, may_lack=may_lack):
            if not isinstance(item, str) or not item:
                raise self.refuse(f"{names[0]} must hold strings")
            found.append(item)
        return found

    def account(self, *names: str) -> str:
        value = self._find(names)
        if not is_account_id(value):
            raise self.refuse(f"{names[0]} must be a UserID of 1 to 32 bytes")
        assert isinstance(value, str)
        return value

    def accounts(self, *names: str, limit: int, over_code: int | None = None) -> list[str]:
        found = self.strings(*names, limit=limit, over_code=over_code)
        if not all(is_account_id(item) for item in found):
            raise self.refuse(f"{names[0]} must hold UserIDs of 1 to 32 bytes")
        return found

    def flag(self, name: str, *older: str) -> bool | None:
        """`On` or `Off`."""
        value = self._find((name, *older))
        if value is None:
            return None
        if value not in ("On", "Off"):
            raise self.refuse(f"{name} must be On or Off")
        return value == "On"

    def pairs(
        self, name: str, key: str, value: str, *, check: Callable[[str, object], str], limit: int = 1000
    ) -> dict[str, str]:
        """A list of {key, value} objects as a dict, each checked."""
        found: dict[str, str] = {}
        for item in self.objects(name, limit=limit):
            label = item.get(key)
            if not isinstance(label, str) or not label:
                raise self.refuse(f"{key} of {name} must be a string")
            found[label] = check(label, item.get(value))
        return found
