import threading
import time

import pytest
from redis import RedisError

from rooms import quotas
from rooms.quotas import Limit, admit, limits_for
from tests.services import Service


def _burst(limits: list[Limit], seconds: float) -> list[float]:
    """When each of the admissions happened that one impatient caller got within so many seconds."""
    admitted: list[float] = []
    deadline = time.monotonic() + seconds
    while (now := time.monotonic()) < deadline:
        if not admit(limits):
            admitted.append(now)
    return admitted


def _most_in_a_second(times: list[float]) -> int:
    return max((sum(1 for other in times if start <= other < start + 0.98) for start in times), default=0)


@pytest.mark.parametrize("per_second", [5, 40, 200])
def test_no_second_ever_holds_more_than_the_limit(per_second: int) -> None:
    times = _burst([Limit("measured", per_second)], 2.3)

    assert _most_in_a_second(times) == per_second
    assert len(times) == 3 * per_second


def test_all_callers_share_one_limit() -> None:
    got: list[int] = []

    def call() -> None:
        got.append(len(_burst([Limit("shared", 40)], 0.5)))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert sum(got) == 40


def test_normal_and_low_leave_a_reserve_that_only_high_may_use() -> None:
    def fill(priority: str) -> int:
        limits = limits_for("send_group_msg", group_id="g", priority=priority)
        return sum(1 for _ in range(60) if not admit(limits))

    assert fill("Low") == 24
    assert fill("Normal") == 34 - 24
    assert fill("High") == 40 - 34


def test_the_wait_is_how_long_until_a_place_is_free() -> None:
    limits = [Limit("waiting", 2)]
    assert [admit(limits), admit(limits)] == [0.0, 0.0]

    wait = admit(limits)

    assert 0.9 < wait <= 1.0


def test_a_call_that_is_refused_by_one_limit_uses_none_of_the_others() -> None:
    full, free = Limit("full", 1), Limit("free", 1)
    assert admit([full]) == 0.0

    assert admit([free, full]) > 0
    assert admit([free]) == 0.0


def test_every_call_has_its_limits() -> None:
    assert limits_for("create_group", group_id="g", priority="Normal") == [Limit("call:create_group", 200)]
    assert limits_for("send_group_msg", group_id="g", priority="High")[1] == Limit("messages:g", 40)
    assert limits_for("modify_group_attr", group_id="g", priority="Normal")[1] == Limit("attributes:g", 5)


def test_one_group_does_not_hold_up_another() -> None:
    for _ in range(40):
        admit(limits_for("send_group_msg", group_id="busy", priority="High"))

    assert admit(limits_for("send_group_msg", group_id="busy", priority="High")) > 0
    assert admit(limits_for("send_group_msg", group_id="quiet", priority="Normal")) == 0.0


def test_without_redis_nobody_is_admitted(redis_server: Service) -> None:
    redis_server.kill()

    with pytest.raises(RedisError):
        quotas.admit([Limit("any", 1)])
