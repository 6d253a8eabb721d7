"""The webhook door as an ordinary Django view: for WSGI deployments and the test client."""

import time

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from redis import RedisError

from rooms import deliveries, inbox
from rooms.webhooks import answer


@csrf_exempt  # Chat signs its requests; there is no session to protect.
@require_POST
def chat_webhook(request: HttpRequest) -> HttpResponse:
    reply = answer(request.META.get("QUERY_STRING", "").encode(), request.body, time.time())
    if reply.entry is not None:
        try:
            inbox.append([reply.entry])
        except RedisError:
            deliveries.store_directly([reply.entry])
    return HttpResponse(reply.body, status=reply.status, content_type="application/json")
