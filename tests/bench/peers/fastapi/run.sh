#!/usr/bin/env bash
# Three uvicorn processes, one per FastAPI app, over one SQLite file.
set -eu
cd "$(dirname "$0")"
BIN=${PEERS_HOME:?}/bin
export PYTHONDONTWRITEBYTECODE=1
"$BIN/python" db.py
i=0
for svc in user product order; do
  "$BIN/uvicorn" "$svc:app" --host 127.0.0.1 --port $((BASE_PORT + i)) \
    --timeout-keep-alive 75 --no-access-log --log-level error &
  i=$((i + 1))
done
trap 'kill $(jobs -p) 2>/dev/null; wait' TERM INT
wait
