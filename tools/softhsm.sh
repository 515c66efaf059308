#!/bin/sh
# Make sure that SoftHSM is there, a PKCS#11 token in software for the tests: tools/softhsm.sh.
# Root installs Debian's package; anyone else is told the one command. It never fails: without it the tests that need a
# token skip aloud.
set -eu
# Every wait is bounded: without a network the target goes on within a minute or two.
options="-qq -o Acquire::Retries=0 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10"
options="$options -o DPkg::Lock::Timeout=60 --no-install-recommends"

found() {
    command -v softhsm2-util >/dev/null || return 1
    for module in /usr/lib/softhsm /usr/lib/*/softhsm /usr/lib64/softhsm /usr/local/lib/softhsm; do
        if [ -e "$module/libsofthsm2.so" ]; then return 0; fi
    done
    return 1
}

# Fetched before it is installed: only a fetch may be cut off, never dpkg at its work.
install() {
    timeout 60 apt-get update $options || echo "No new package lists; trying with those that are here ..." >&2
    timeout 120 apt-get install -y $options --download-only softhsm2 || return 1
    apt-get install -y $options --no-download softhsm2
}

if found; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing SoftHSM for the tests ..." >&2
    export DEBIAN_FRONTEND=noninteractive
    if install </dev/null >/dev/null && found; then exit 0; fi
fi
echo "SoftHSM is missing, so the tests of keys in a token will be skipped. Run: sudo apt-get install softhsm2" >&2
