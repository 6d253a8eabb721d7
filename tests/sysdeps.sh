#!/bin/sh
# Install from Debian what the tests need and this machine lacks. Installs nothing when nothing is missing, and starts
# no service: the tests run their own instances on free ports.
set -eu

missing=""
need() { # need PACKAGE COMMAND...: one of the commands, or the package
    package=$1
    shift
    for command in "$@"; do
        if command -v "$command" >/dev/null 2>&1; then return; fi
    done
    missing="$missing $package"
}

for package in "$@"; do need "$package" "$package"; done # what only one target wants, such as wrk
need redis-server redis-server valkey-server
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then missing="$missing postgresql"; fi
need postgresql-common pg_virtualenv
need chromium chromium chromium-browser google-chrome
need gettext xgettext
if ! command -v fc-list >/dev/null 2>&1; then
    missing="$missing fontconfig fonts-wqy-microhei"
elif [ -z "$(fc-list :lang=zh-cn 2>/dev/null | head -n 1)" ]; then
    missing="$missing fonts-wqy-microhei"
fi

if [ -z "$missing" ]; then exit 0; fi
if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need packages that are not installed. As root, run:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "Installing for the tests:$missing"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT INT TERM
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# Quiet unless it fails; the list is split into words on purpose.
log=$(mktemp)
# shellcheck disable=SC2086
if ! apt-get install -y -qq --no-install-recommends $missing >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    exit 1
fi
rm -f "$log"
