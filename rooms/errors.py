"""Refusals of the domain. Each carries a sentence an operator can read; views and API translate, and decide nothing."""

from django.utils.functional import Promise


class RoomsError(Exception):
    """`code` is stable and meant for programs, `sentence` is meant for people."""

    code = "refused"

    def __init__(self, sentence: str | Promise) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class WrongStatus(RoomsError):
    """The room's status does not allow this step; nothing was changed."""

    code = "wrong_status"


class ChangedMeanwhile(RoomsError):
    """Somebody else changed the room since it was read; nothing was changed."""

    code = "changed_meanwhile"


class InvalidInput(RoomsError):
    """The input cannot be accepted. `field` names where it came from."""

    code = "invalid"

    def __init__(self, field: str, sentence: str | Promise) -> None:
        super().__init__(sentence)
        self.field = field


class NotRetryable(RoomsError):
    """The outbox command is not in a state from which it can be tried again."""

    code = "not_retryable"
