#!/usr/bin/env bash
# Brings node_modules to what package-lock.json says, on a machine that has only some Node and npm.
# Does nothing, quickly, when they already are. Every npm script that a newcomer types first calls this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

stamp=node_modules/.river-lock
if [ -f "$stamp" ] && cmp -s package-lock.json "$stamp"; then
  exit 0
fi
echo "Installing packages (npm ci) ..." >&2
npm ci --no-audit --no-fund --loglevel=error >&2
cp package-lock.json "$stamp"
