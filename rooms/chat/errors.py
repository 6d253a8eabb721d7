"""Chat's refusals as a small tree; each error knows whether trying again can help.

Codes and their retry column follow https://www.tencentcloud.com/document/product/1047/34348.
"""

_TRANSIENT_CODES = frozenset(
    {
        10002, 10056, 20004, 20005, 20028, 30006, 30007, 30008, 40006, 60008, 60013, 60014, 70169, 70202, 70500,
        80003, 90992, 90994, 90995, 91000, 1003, 1004, 130009, 130010, 130011, 130012, 130014,
    }
)  # fmt: skip
_RATE_CODES = frozenset({10006, 10023, 10049, 60007, 60011, 60018, 60019, 70050, 70114, 90024, 90047})
_AUTHORISATION_CODES = frozenset(
    {
        10001, 60002, 60004, 60005, 60006, 60010, 60012, 60016, 60017, 60020, 60021, 70001, 70002, 70003, 70005, 70009,
        70013, 70014, 70016, 70020, 70051, 70403, 90009,
    }
)  # fmt: skip


class ChatError(Exception):
    """Chat did not do what was asked. `code` is Chat's, or 0 where no answer came; `text` is for people."""

    is_permanent = True

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}" if code else text)
        self.code = code
        self.text = text


class ChatUnavailable(ChatError):
    """No usable answer: a time-out, a broken connection, a 5xx, or Chat's own internal error. Try again."""

    is_permanent = False


class ChatRateLimited(ChatError):
    """Chat counts too many calls or messages. Try again later, with the same Random."""

    is_permanent = False


class ChatRefused(ChatError):
    """Chat understood and said no; the same request will be refused again."""


class ChatNotAuthorised(ChatError):
    """Chat does not accept who we say we are: SDKAppID, key, administrator or address."""


def error_for(code: int, text: str) -> ChatError:
    """The exception for an answer's ErrorCode; an unknown code counts as a refusal."""
    if code in _TRANSIENT_CODES:
        return ChatUnavailable(code, text)
    if code in _RATE_CODES:
        return ChatRateLimited(code, text)
    if code in _AUTHORISATION_CODES:
        return ChatNotAuthorised(code, text)
    return ChatRefused(code, text)
