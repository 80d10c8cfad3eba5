#!/usr/bin/env bash
# Makes the virtual environment and installs exactly what requirements.lock pins, then the project itself.
# usage: setup.sh PYTHON VENV
set -euo pipefail
python=$1 venv=$2

fail() { echo "error: $*" >&2; exit 2; }

for candidate in "$python" python3 python; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    found=$candidate
    break
  fi
done
[ -n "${found:-}" ] || fail "Python 3.11 not found (found: $(python3 --version 2>&1 || echo none)). Install it (Debian: apt-get install python3.11 python3.11-venv) or name it: make PYTHON=/path/to/python3.11 …"
"$found" -c 'import ensurepip, venv' 2>/dev/null || fail "$found has no venv module. Install it (Debian: apt-get install python3.11-venv)."
command -v git >/dev/null || fail "git not found. Install it (Debian: apt-get install git)."

[ -x "$venv/bin/python" ] || "$found" -m venv "$venv"
echo "Installing the pinned packages into $venv (about two minutes the first time) …"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "$venv/bin/python" -m pip install --quiet --no-deps --requirement requirements.lock >"$log" 2>&1 ||
   ! "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable . >>"$log" 2>&1; then
  grep -v '^WARNING' "$log" | tail -n 5 >&2
  fail "the packages could not be installed. Check the network and the free disk space (3 GB), then run make again: it goes on."
fi
