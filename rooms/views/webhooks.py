"""The webhook door as an ordinary Django view: for WSGI deployments and the test client."""

import logging
import time

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from redis import RedisError

from rooms import deliveries, inbox
from rooms.inbox import Entry
from rooms.webhooks import BODY_BYTES_LIMIT, POST_ONLY, answer, unkept

logger = logging.getLogger(__name__)


@csrf_exempt  # Chat signs its requests; there is no session to protect.
def chat_webhook(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse(POST_ONLY, status=405, content_type="application/json", headers={"Allow": "POST"})
    # One byte past the limit is enough to refuse a body that is too large.
    body = request.read(BODY_BYTES_LIMIT + 1)
    reply = answer(request.META.get("QUERY_STRING", "").encode(), body, time.time())
    if reply.entry is not None and not _keep(reply.entry):
        reply = unkept(reply)
    return HttpResponse(reply.body, status=reply.status, content_type="application/json")


def _keep(entry: Entry) -> bool:
    """Append the entry, or without Redis write it straight to the deliveries table."""
    try:
        inbox.append([entry])
        return True
    except RedisError as error:
        logger.warning("inbox unreachable, storing the callback directly: %s", type(error).__name__)
    try:
        deliveries.store_directly([entry])
        return True
    except Exception:
        logger.exception("callback %s could not be stored anywhere", entry.command)
        return False
