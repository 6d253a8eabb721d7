"""The OpenAPI document is true: committed as generated, complete, and what a tester makes of it finds nothing."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import schemathesis
import yaml
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from hypothesis import HealthCheck
from hypothesis import settings as bounded
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.wsgi import application
from rooms.models import OutboxCommand, Room, User
from tests import factories
from tests.rooms.test_api_access import make_command

pytestmark = pytest.mark.django_db

DOCUMENT: Final = settings.BASE_DIR / "rooms" / "api" / "schema.yaml"
OPERATIONS: Final[list[tuple[str, str, dict[str, Any]]]] = [
    (method, path, operation)
    for path, operations in yaml.safe_load(DOCUMENT.read_text())["paths"].items()
    for method, operation in operations.items()
]

schema = schemathesis.openapi.from_path(DOCUMENT)
schema.app = application
# Refused everywhere (see `test_api_problems`), which a schema cannot say briefly.
schema.config.generation.update(allow_x00=False)


def test_the_committed_document_is_what_the_code_says() -> None:
    """Otherwise: `manage.py spectacular --validate --fail-on-warn --file rooms/api/schema.yaml`."""
    generated = SchemaGenerator().get_schema(request=None, public=True)
    assert yaml.safe_load(OpenApiYamlRenderer().render(generated, renderer_context={})) == yaml.safe_load(
        DOCUMENT.read_text()
    )


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=lambda value: str(value)[:60])
def test_every_operation_is_explained(method: str, path: str, operation: dict[str, Any]) -> None:
    assert path.endswith("/")
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    assert {"apiKey": []} in operation["security"]
    answers = operation["responses"]
    assert {"401", "403", "429"} < set(answers)
    for status, answer in answers.items():
        media_type = "application/json" if status < "400" else "application/problem+json"
        assert answer["content"][media_type]["examples"], status
    if "requestBody" in operation:
        assert operation["requestBody"]["content"]["application/json"]["examples"]


def test_the_document_is_for_whoever_may_call(api: Client, client_of: Callable[[str], Client]) -> None:
    assert Client().get("/api/v1/schema/").status_code == 401
    for client in (api, client_of("operator")):
        answer = client.get("/api/v1/schema")
        assert answer.status_code == 200
        assert yaml.safe_load(answer.content)["openapi"].startswith("3.")


def test_the_docs_need_a_session_and_run_no_inline_script(client_of: Callable[[str], Client]) -> None:
    refused = Client().get("/api/v1/docs/")
    assert (refused.status_code, refused["Location"]) == (302, "/login/?next=/api/v1/docs/")
    page = client_of("finance").get("/api/v1/docs/")
    assert page.status_code == 200
    policy = {part.split()[0]: part.split()[1:] for part in page["Content-Security-Policy"].split(";")}
    assert policy["style-src"] == ["'self'", "'unsafe-inline'"]
    assert "'unsafe-inline'" not in policy.get("script-src", policy["default-src"])
    html = page.content.decode()
    assert "<script>" not in html
    assert "http://" not in html
    assert "https://" not in html
    script = client_of("finance").get("/api/v1/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    other = client_of("finance").get("/api/v1/rooms/")
    assert "unsafe-inline" not in other["Content-Security-Policy"]


@pytest.fixture
def world(anchor: User) -> Iterator[dict[str, str]]:
    """A room in each status, under the ids of the document's examples and small ones; the headers of an app.

    Requests go through WSGI itself: like Django's test client, keep them from closing the test's connection.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    for pk, status in zip((0, 12, 930, 1, 2), Room.Status.values, strict=True):
        room = factories.make_room(pk=pk, anchor=anchor, status=status)
        factories.make_message(room)
        factories.make_membership(room)
        OutboxCommand.objects.filter(pk=make_command(room).pk).update(id=918 + pk)
    yield {"Authorization": f"Api-Key {factories.make_key()}"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.parametrize()
@bounded(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_generated_requests_find_nothing(case: Case, world: dict[str, str]) -> None:
    # No schema can say what bodies our rules accept, nor what cursors we signed.
    has_rules = case.method != "GET" or "cursor" in (case.query or {})
    case.call_and_validate(headers=world, excluded_checks=[positive_data_acceptance] if has_rules else [])
