#!/bin/sh
# The identity provider that tests/slow/test_sign_in.py signs people in with, at a pinned version under var/provider.
# Where Node.js or npm is not there, or nothing can be installed, that test skips aloud.
set -u
packages="oidc-provider@9.13.3"
folder=var/provider
if [ "$(cat "$folder/.installed" 2>/dev/null)" = "$packages" ]; then exit 0; fi
if ! command -v npm >/dev/null; then echo "no npm: signing in is not tried with a real provider" >&2; exit 0; fi
mkdir -p "$folder"
# Install scripts are not run.
if npm install --prefix "$folder" --no-save --ignore-scripts --no-audit --no-fund --silent $packages; then
    echo "$packages" >"$folder/.installed"
else
    echo "npm could not install an identity provider; signing in with a real one is not tried" >&2
fi
