#!/bin/sh
# Resolve pyproject.toml into the three hashed locks; each is a full closure and names no index.
# The extra `postgres` is in them: an installation from a lock can use either engine.
set -eu
compile() {
    uv pip compile "$@" --universal --python-version 3.11 --generate-hashes --no-emit-package pip \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet
}
compile pyproject.toml --extra postgres -o requirements.lock
compile pyproject.toml --extra postgres --group dev -c requirements.lock -o requirements-dev.lock
printf 'hatchling==1.33.0\neditables\n' | compile - -o requirements-build.lock
