"""Swagger UI in a real browser, under the Content-Security-Policy."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from rooms.models import User
from tests import factories


@pytest.mark.browser
def test_an_operator_tries_the_api_from_the_docs(new_page: Callable[..., Page], operator: User) -> None:
    factories.make_room(title="Tea tasting")
    page = new_page(operator)
    page.goto("/api/v1/docs/")
    operation = page.locator("#operations-rooms-rooms_list")
    expect(operation).to_contain_text("List rooms")
    operation.locator("button.opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .highlight-code").first).to_contain_text("Tea tasting")
