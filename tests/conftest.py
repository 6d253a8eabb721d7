"""Fixtures for every test: named roles, clients, Redis, the processes of `tests.services`, a browser."""

import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from rooms import redis
from rooms.models import User
from tests import factories
from tests.services import Service, Services, Simulator

# Idle processes may wait for the next test; these would work on its rows.
_ACTIVE: Final = ("beat", "worker", "ingest")
_CHROMIUM_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
)

_services: Services | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Start this process's Redis; with xdist only the workers run tests and need one."""
    global _services
    is_controller = not hasattr(config, "workerinput") and getattr(config.option, "numprocesses", None)
    if is_controller or config.option.collectonly:
        return
    _services = Services()
    _services.redis.start()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-database", action="store_true", help="only tests that use the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--only-database"):
        chosen = [item for item in items if _uses_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen


def _uses_database(item: pytest.Item) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    return bool(names & {"db", "transactional_db"}) or item.get_closest_marker("django_db") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the processes of the test said."""
    report = yield
    if report.failed and _services is not None:
        asked = getattr(item, "fixturenames", ())
        for service in _services.all:
            name = "server" if service is _services.server else service.name
            if name in asked and service.log:
                report.sections.append((f"{service.name} (the end of its log)", service.log[-4000:]))
    return report


def pytest_unconfigure() -> None:
    global _services
    if _services is not None:
        _services.close()
        _services = None
    shutil.rmtree(settings.TEST_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def services() -> Services:
    assert _services is not None
    return _services


@pytest.fixture(autouse=True)
def _fresh_start(request: pytest.FixtureRequest, services: Services) -> None:
    """An empty Redis, and nobody at work who was not asked for."""
    for name in _ACTIVE:
        if name not in request.fixturenames:
            getattr(services, name).stop()
    services.redis.start()
    redis.connection().flushdb()


# Roles


@pytest.fixture
def operator(db: None) -> User:
    return factories.make_user("operator", username="operator")


@pytest.fixture
def lead(db: None) -> User:
    return factories.make_user("lead moderator", username="lead")


@pytest.fixture
def moderator(db: None) -> User:
    return factories.make_user("moderator", username="moderator")


@pytest.fixture
def analyst(db: None) -> User:
    return factories.make_user("analyst", username="analyst")


@pytest.fixture
def finance(db: None) -> User:
    return factories.make_user("finance", username="finance")


@pytest.fixture
def anchor(db: None) -> User:
    return factories.make_user("anchor", username="anchor1")


@pytest.fixture
def other_anchor(db: None) -> User:
    return factories.make_user("anchor", username="anchor2")


@pytest.fixture
def nobody(db: None) -> User:
    """Signed in, but in no group."""
    return factories.make_user(username="nobody")


@pytest.fixture
def superuser(db: None) -> User:
    return factories.make_user(username="superuser", is_staff=True, is_superuser=True)


@pytest.fixture
def client_of(request: pytest.FixtureRequest, db: None) -> Callable[[str], Client]:
    """`client_of("operator")`: the client of whom the fixture of that name is; `"anonymous"` is not signed in."""

    def client_of(role: str) -> Client:
        return factories.make_client(None if role == "anonymous" else request.getfixturevalue(role))

    return client_of


@pytest.fixture
def api_key(db: None) -> str:
    """The key of a business app with every scope."""
    return factories.make_key()


@pytest.fixture
def api(api_key: str) -> Client:
    """A business app's client with every scope."""
    return factories.make_client(key=api_key)


# Processes. Whoever asks for one works on committed rows.


@pytest.fixture
def redis_server(services: Services) -> Service:
    """Redis itself, to stop, kill and start; the next test finds it running again."""
    return services.redis


@pytest.fixture
def simulator(services: Services, _fresh_start: None, transactional_db: None) -> Iterator[Simulator]:
    """The simulator with an empty world; its webhooks go to `server`."""
    services.simulator.start()
    services.simulator.reset()
    yield services.simulator
    if services.simulator.is_running:
        services.simulator.reset()


@pytest.fixture
def server(services: Services, _fresh_start: None, transactional_db: None) -> Service:
    """The web process; `server.url` is where it listens."""
    services.server.start()
    return services.server


@pytest.fixture
def worker(services: Services, _fresh_start: None, transactional_db: None) -> Service:
    """The Celery worker. Overdue commands are swept only with `beat`."""
    services.worker.start()
    return services.worker


@pytest.fixture
def beat(services: Services, _fresh_start: None, transactional_db: None) -> Service:
    services.beat.start()
    return services.beat


@pytest.fixture
def ingest(services: Services, _fresh_start: None, transactional_db: None) -> Service:
    services.ingest.start()
    return services.ingest


@dataclass(frozen=True)
class Stack:
    """All of Greenroom at work."""

    server: Service
    simulator: Simulator
    worker: Service
    beat: Service
    ingest: Service

    @property
    def url(self) -> str:
        return self.server.url


@pytest.fixture
def _begin_all(services: Services, _fresh_start: None, transactional_db: None) -> None:
    """Side by side they start faster than one after the other."""
    for service in services.all:
        service.begin()


@pytest.fixture
def stack(
    _begin_all: None, simulator: Simulator, server: Service, worker: Service, beat: Service, ingest: Service
) -> Stack:
    return Stack(server, simulator, worker, beat, ingest)


# Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for one module: Playwright's event loop must not be in the way of asynchronous tests."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "Chromium is missing; `make test` installs it."
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=list(_CHROMIUM_FLAGS))
            yield browser
            browser.close()


@pytest.fixture
def new_page(browser: Browser, server: Service) -> Iterator[Callable[..., Page]]:
    """`new_page(user, viewport=…)`: a tab of its own browser profile, signed in as the user where one is given.

    A script error or a breach of the Content-Security-Policy in any of these tabs fails the test.
    """
    contexts: list[Any] = []
    problems: list[str] = []

    def new_page(user: User | None = None, **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1440, "height": 900})
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(base_url=server.url, **options)
        contexts.append(context)
        if user is not None:
            session = factories.make_client(user).cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": server.url}])
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
        page.on("console", lambda line: problems.extend(_breaches(line.text)))
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A tab that is not signed in."""
    return new_page()


def _breaches(line: str) -> list[str]:
    return [line] if "Content Security Policy" in line or "Content-Security-Policy" in line else []


@pytest.fixture
def screenshots(request: pytest.FixtureRequest) -> Path:
    """A folder for pictures of this test, kept under `var/screenshots` for people to look at."""
    folder = Path(settings.BASE_DIR) / "var" / "screenshots" / request.node.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
