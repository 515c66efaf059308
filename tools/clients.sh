#!/bin/sh
# The resolver clients of others, which tests/slow/test_js_clients.py runs against our server, at pinned versions
# under var/clients. Where Node.js or npm is not there, or nothing can be installed, that test skips aloud.
set -u
packages="did-resolver@6.0.0 @veramo/did-resolver@7.0.1 @sphereon/did-uni-client@0.6.4"
folder=var/clients
if [ "$(cat "$folder/.installed" 2>/dev/null)" = "$packages" ]; then exit 0; fi
if ! command -v npm >/dev/null; then echo "no npm: the clients of others are not tried" >&2; exit 0; fi
mkdir -p "$folder"
# Their install scripts are not run.
if npm install --prefix "$folder" --no-save --ignore-scripts --no-audit --no-fund --silent $packages; then
    echo "$packages" >"$folder/.installed"
else
    echo "npm could not install the clients of others; they are not tried" >&2
fi
