#!/bin/sh
# Where lists are published to, for the slow tests: tools/stores.sh PYTHON. moto, which speaks like S3, in an environment
# of its own under var (tests/slow/test_object_store.py), and nginx from Debian's packages, by root without the service
# that it would start (tests/slow/test_file_server.py). It never fails: what cannot be had is told, and its tests skip
# aloud.
set -u
python=$1
folder=var/stores
lock=requirements-stores.lock
# Every wait is bounded: without a network the target goes on within a minute or two.
options="-qq -o Acquire::Retries=0 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10"
options="$options -o DPkg::Lock::Timeout=60 --no-install-recommends"

if ! cmp -s "$lock" "$folder/$lock"; then
    echo "Installing moto for the tests ..." >&2
    if sh "$(dirname "$0")/venv.sh" "$python" "$folder" && "$folder/bin/pip" install --disable-pip-version-check --quiet \
        --no-deps --require-hashes -r "$lock" >&2; then
        cp "$lock" "$folder/"
    else
        echo "moto cannot be installed, so the tests of object stores will be skipped." >&2
    fi
fi

found() { PATH="$PATH:/usr/sbin" command -v nginx >/dev/null; }

# Fetched before it is installed: only a fetch may be cut off, never dpkg at its work.
install() {
    timeout 60 apt-get update $options || echo "No new package lists; trying with those that are here ..." >&2
    timeout 120 apt-get install -y $options --download-only nginx || return 1
    RUNLEVEL=1 apt-get install -y $options --no-download nginx
}

if ! found && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing nginx for the tests ..." >&2
    export DEBIAN_FRONTEND=noninteractive
    install </dev/null >/dev/null
fi
found || echo "nginx is missing, so its tests will be skipped. Run: sudo apt-get install nginx" >&2
exit 0
