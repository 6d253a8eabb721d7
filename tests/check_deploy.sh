#!/bin/sh
# `manage.py check --deploy` on production settings. The secrets are made up for this call and never seen again.
set -eu

random() { "$1" -c 'import secrets; print(secrets.token_urlsafe(64))'; }

env -u REDIS_URL \
    DEBUG=false \
    SECRET_KEY="$(random "$1")" \
    ALLOWED_HOSTS=console.example.com \
    CSRF_TRUSTED_ORIGINS=https://console.example.com \
    DATABASE_URL=postgres://greenroom@localhost/greenroom \
    CHAT_SDKAPPID=1400000002 \
    CHAT_SECRET_KEY="$(random "$1")" \
    CHAT_API_URL=https://adminapisgp.im.qcloud.com \
    CHAT_WEBHOOK_TOKENS="$(random "$1")" \
    SECURE_SSL_REDIRECT=true \
    SECURE_HSTS_SECONDS=31536000 \
    "$1" manage.py check --deploy --fail-level WARNING
