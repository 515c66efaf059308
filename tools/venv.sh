#!/bin/sh
# Make the virtual environment: tools/venv.sh PYTHON DIRECTORY
# Debian leaves python3-venv out of python3: root installs it, anyone else is told the one command.
set -eu
python=$1
venv=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Touchstone needs Python 3.11 or newer; $python is $("$python" --version 2>&1)." >&2
    exit 1
}
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing python3-venv ..." >&2
        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
    else
        echo "Python's venv module is missing. Run: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi
echo "Making $venv ..." >&2
"$python" -m venv "$venv"
