#!/bin/sh
# What others wrote in JavaScript, at pinned versions under var: resolver clients, which tests/slow/test_js_clients.py
# runs against our server; the identity provider with which tests/slow/test_sign_in.py signs people in; and libraries
# for credentials and status lists, for test_js_status_lists.py, test_issuers_day.py and
# test_js_credentials.py. Where Node.js or npm is not there, or nothing can be installed, those tests skip aloud.
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

digitalbazaar="vc@7.3.0 data-integrity@2.5.0 eddsa-rdfc-2022-cryptosuite@1.3.0 eddsa-jcs-2022-cryptosuite@1.0.0
    ecdsa-rdfc-2019-cryptosuite@1.3.0 ecdsa-jcs-2019-cryptosuite@1.0.0 ed25519-multikey@1.3.1 ecdsa-multikey@1.8.0
    http-client@4.4.0 multikey-context@2.0.1 vc-bitstring-status-list@2.0.1"
install var/status-clients $(printf '@digitalbazaar/%s ' $digitalbazaar) @auth0/cose@1.0.2 cbor-x@1.6.8 jose@6.2.17 \
    @sd-jwt/crypto-nodejs@0.19.0 @sd-jwt/jwt-status-list@0.19.0 @sd-jwt/sd-jwt-vc@0.19.0
