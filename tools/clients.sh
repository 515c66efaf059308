#!/bin/sh
# What others wrote in JavaScript, at pinned versions under var: resolver clients, which tests/slow/test_js_clients.py
# runs against our server, and the identity provider with which tests/slow/test_sign_in.py signs people in. Where Node.js
# or npm is not there, or nothing can be installed, those tests skip aloud.
set -u
if ! command -v npm >/dev/null; then echo "no npm: what others wrote in JavaScript is not tried" >&2; exit 0; fi

# install FOLDER PACKAGE...: not again where it is there; install scripts are not run.
install() {
    folder=$1
    shift
    if [ "$(cat "$folder/.installed" 2>/dev/null)" = "$*" ]; then return; fi
    mkdir -p "$folder"
    if npm install --prefix "$folder" --no-save --ignore-scripts --no-audit --no-fund --silent "$@"; then
        echo "$*" >"$folder/.installed"
    else
        echo "npm could not install $*; it is not tried" >&2
    fi
}

install var/clients did-resolver@6.0.0 @veramo/did-resolver@7.0.1 @sphereon/did-uni-client@0.6.4
install var/provider oidc-provider@9.13.3
