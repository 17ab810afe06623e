#!/usr/bin/env bash
# Three gunicorn services, one per Flask app, over one SQLite file.
set -eu
cd "$(dirname "$0")"
BIN=${PEERS_HOME:?}/bin
export PYTHONDONTWRITEBYTECODE=1
"$BIN/python" db.py
i=0
for svc in user product order; do
  "$BIN/gunicorn" --worker-class gthread --workers 2 --threads 8 --keep-alive 75 \
    --log-level error --bind "127.0.0.1:$((BASE_PORT + i))" "$svc:app" &
  i=$((i + 1))
done
trap 'kill $(jobs -p) 2>/dev/null; wait' TERM INT
wait
