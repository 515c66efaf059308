#!/bin/sh
# Install locked, hashed dependencies and this checkout: tools/install.sh VENV LOCK [LOCK ...]
# --no-deps: each lock is a full closure (sqlite-utils names pip as a dependency; nothing needs it locked).
set -eu
venv=$1
shift
for lock in "$@"; do
    echo "Installing $lock ..." >&2
    "$venv/bin/pip" install --disable-pip-version-check --quiet --no-deps --require-hashes -r "$lock" >&2
done
echo "Installing this checkout ..." >&2
"$venv/bin/pip" install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
