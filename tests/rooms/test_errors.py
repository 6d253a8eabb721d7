import pytest

from rooms.chat.errors import ChatNotAuthorised, ChatRateLimited, ChatRefused, ChatUnavailable, error_for


@pytest.mark.parametrize(
    ("code", "kind", "is_permanent"),
    [
        (10002, ChatUnavailable, False),
        (60008, ChatUnavailable, False),
        (91000, ChatUnavailable, False),
        (10023, ChatRateLimited, False),
        (60007, ChatRateLimited, False),
        (10004, ChatRefused, True),
        (10010, ChatRefused, True),
        (10016, ChatRefused, True),
        (80001, ChatRefused, True),
        (70001, ChatNotAuthorised, True),
        (60010, ChatNotAuthorised, True),
        (999999, ChatRefused, True),
    ],
)
def test_every_code_knows_whether_trying_again_can_help(code: int, kind: type, is_permanent: bool) -> None:
    error = error_for(code, "why")

    assert type(error) is kind
    assert error.is_permanent is is_permanent
    assert (error.code, error.text, str(error)) == (code, "why", f"{code}: why")
