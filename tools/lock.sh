#!/bin/sh
# Resolve pyproject.toml into the five hashed locks; each is a full closure and names no index.
# The extras are in them: an installation from a lock can use either engine, a PKCS#11 token and an object store, and
# has gmpy2 and pyoxigraph.
set -eu
compile() {
    uv pip compile "$@" --universal --python-version 3.11 --generate-hashes --no-emit-package pip \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet
}
compile pyproject.toml --extra postgres --extra fast --extra pkcs11 --extra objects --extra ldp -o requirements.lock
compile pyproject.toml --extra postgres --extra fast --extra pkcs11 --extra objects --extra ldp --group dev -c requirements.lock -o requirements-dev.lock
compile pyproject.toml --extra postgres --extra fast --extra pkcs11 --extra objects --extra ldp --group dev --group fuzz -c requirements-dev.lock -o requirements-fuzz.lock
compile --group stores -o requirements-stores.lock
printf 'hatchling==1.33.0\neditables\n' | compile - -o requirements-build.lock
