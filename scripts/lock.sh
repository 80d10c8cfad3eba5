#!/usr/bin/env bash
# Writes requirements.lock: what pip resolves for pyproject.toml with its dev extras, in an empty environment.
# usage: lock.sh PYTHON
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "setuptools>=77" wheel
"$work/venv/bin/pip" install --quiet --editable ".[dev]"
{
  echo "# Every package that codetune needs, transitive ones included. Written by 'make lock'; do not edit."
  "$work/venv/bin/pip" list --format=freeze --exclude codetune --exclude pip | sed -E 's/\+cpu$//'
} >requirements.lock
