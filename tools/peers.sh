#!/bin/sh
# Install what `make bench-peers` measures us against into a throw-away folder: tools/peers.sh FOLDER PYTHON.
# Node packages and Python packages at the versions of benchmarks/peers; nginx and wrk from Debian's packages, by
# root without the service that nginx would start; anyone else is told the one command, and those figures are left
# out. A peer that cannot be had is no reason to fail: its rows say "not measured".
set -u
folder=$1
python=$2
peers=$(dirname "$0")/../benchmarks/peers
options="-qq -o Acquire::Retries=0 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10"
options="$options -o DPkg::Lock::Timeout=60 --no-install-recommends"
packages="nginx wrk"

found() { PATH="$PATH:/usr/sbin" command -v nginx >/dev/null && command -v wrk >/dev/null; }

mkdir -p "$folder"
if ! found && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $packages ..." >&2
    export DEBIAN_FRONTEND=noninteractive
    timeout 60 apt-get update $options >/dev/null </dev/null
    timeout 300 apt-get install -y $options --download-only $packages >/dev/null </dev/null &&
        RUNLEVEL=1 apt-get install -y $options --no-download $packages >/dev/null </dev/null
fi
found || echo "nginx or wrk is missing, so their figures are not measured. Run: sudo apt-get install $packages" >&2

if ! cmp -s "$peers/package-lock.json" "$folder/package-lock.json" || [ ! -d "$folder/node_modules" ]; then
    if command -v npm >/dev/null; then
        echo "Installing the Node peers ..." >&2
        cp "$peers/package.json" "$peers/package-lock.json" "$folder/"
        (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
            { echo "The Node peers cannot be installed, so their figures are not measured." >&2; rm -f "$folder/package-lock.json"; }
    else
        echo "npm is missing, so the Node peers are not measured. Run: sudo apt-get install nodejs npm" >&2
    fi
fi

if ! cmp -s "$peers/requirements.lock" "$folder/requirements.lock"; then
    echo "Installing the Python peers ..." >&2
    if "$python" -m venv "$folder/venv" &&
        "$folder/venv/bin/pip" install --disable-pip-version-check --quiet --no-deps --require-hashes \
            -r "$peers/requirements.lock" >&2; then
        cp "$peers/requirements.lock" "$folder/"
    else
        echo "The Python peers cannot be installed, so their figures are not measured." >&2
    fi
fi
cp "$peers"/*.mjs "$folder/"  # Node looks for packages beside the file that imports them.
exit 0
