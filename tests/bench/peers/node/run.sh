#!/usr/bin/env bash
cd "$(dirname "$0")"
export NODE_ENV=production NODE_PATH="${PEERS_HOME:?}/node/node_modules"
exec node server.js
