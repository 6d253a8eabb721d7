"""The ground that other tests stand on: processes start, die, come back, and see the test's own database."""

import httpx
import pytest
from playwright.sync_api import Page

from rooms import redis
from rooms.models import Room
from tests.conftest import Stack
from tests.factories import make_message, make_room
from tests.services import Service, Simulator, eventually


@pytest.mark.parametrize("round_", [1, 2])
def test_redis_is_empty_for_every_test(round_: int) -> None:
    assert redis.connection().incr("left-behind") == 1


def test_rows_are_made_in_one_line(db: None) -> None:
    room = make_room(status=Room.Status.PLAYED_BACK)
    assert make_message(room).room == room


def test_a_killed_worker_comes_back(worker: Service) -> None:
    first = worker.pid
    worker.kill()
    assert not worker.is_running
    worker.start()
    assert worker.is_running
    assert worker.pid != first


def test_all_of_greenroom_is_ready(stack: Stack) -> None:
    make_room()
    eventually(lambda: httpx.get(f"{stack.url}/readyz").status_code == 200, seconds=15, what="readiness")


def test_nobody_works_unasked(worker: Service, services: object) -> None:
    assert not services.ingest.is_running  # type: ignore[attr-defined]


def test_the_simulator_starts_empty(simulator: Simulator) -> None:
    assert simulator.get("groups") == {"groups": []}


@pytest.mark.browser
def test_a_browser_opens_the_login_page(page: Page) -> None:
    answer = page.goto("/login/")
    assert answer is not None
    assert answer.ok


def test_what_never_comes_true_says_so() -> None:
    with pytest.raises(AssertionError, match=r"The moon did not come true within 0\.05 s"):
        eventually(lambda: 0, seconds=0.05, what="The moon")
