#!/bin/sh
# Make sure that PostgreSQL's server binaries and pgbouncer are there, for the tests' throw-away clusters:
# tools/postgres.sh. Root installs Debian's packages, without the cluster and the service that they would start;
# anyone else is told the one command. It never fails: without the binaries the tests that need them skip aloud.
set -eu
# Every wait is bounded: without a network the target goes on within a minute or two.
options="-qq -o Acquire::Retries=0 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10"
options="$options -o DPkg::Lock::Timeout=60 --no-install-recommends"
packages="postgresql pgbouncer"
drop_in=/etc/postgresql-common/createcluster.d/touchstone.conf

found() {
    [ -x /usr/sbin/pgbouncer ] || command -v pgbouncer >/dev/null || return 1
    for initdb in /usr/lib/postgresql/*/bin/initdb "$(pg_config --bindir 2>/dev/null)/initdb"; do
        if [ -x "$initdb" ]; then return 0; fi
    done
    command -v initdb >/dev/null
}

# Fetched before it is installed: only a fetch may be cut off, never dpkg at its work.
install() {
    timeout 60 apt-get update $options || echo "No new package lists; trying with those that are here ..." >&2
    timeout 300 apt-get install -y $options --download-only $packages || return 1
    # postgresql-common reads every file there before it decides on making the cluster "main".
    mkdir -p "${drop_in%/*}"
    echo "create_main_cluster = false" >"$drop_in"
    installed=0
    # In runlevel 1 no package starts its service.
    RUNLEVEL=1 apt-get install -y $options --no-download $packages || installed=1
    rm -f "$drop_in"
    return "$installed"
}

if found; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing PostgreSQL for the tests ..." >&2
    export DEBIAN_FRONTEND=noninteractive
    if install </dev/null >/dev/null && found; then exit 0; fi
fi
echo "PostgreSQL or pgbouncer is missing, so its tests will be skipped. Run: sudo apt-get install $packages" >&2
