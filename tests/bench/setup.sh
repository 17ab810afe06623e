#!/usr/bin/env bash
# Installs what the benchmark needs and builds the peers. It can run again and keeps what is installed.
# Needs: root (for apt-get), python3, cargo; node and npm for the node peer.
set -euo pipefail
cd "$(dirname "$0")"
HOME_DIR=${PEERS_HOME:-../../target/peers}
mkdir -p "$HOME_DIR"
HOME_DIR=$(cd "$HOME_DIR" && pwd)

want=()
command -v wrk >/dev/null || want+=(wrk)
command -v jq >/dev/null || want+=(jq)
command -v gcc >/dev/null || want+=(gcc libc6-dev)
command -v go >/dev/null || want+=(golang-go)
[ -d /usr/share/gocode/src/github.com/mattn/go-sqlite3 ] || want+=(golang-github-mattn-go-sqlite3-dev)
if [ ${#want[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${want[@]}"
fi

[ -x "$HOME_DIR/bin/python" ] || python3 -m venv "$HOME_DIR"
"$HOME_DIR/bin/python" -m pip install --quiet --disable-pip-version-check -r peers/requirements.txt

# Debian's copy of go-sqlite3, through GOPATH: no module proxy needed.
(cd peers/go && GO111MODULE=off GOPATH=/usr/share/gocode CGO_ENABLED=1 \
  GOCACHE="$HOME_DIR/go-cache" go build -o "$HOME_DIR/go-peer" main.go)

CARGO_TARGET_DIR="$HOME_DIR/axum-target" cargo build --quiet --release --locked --manifest-path peers/axum/Cargo.toml
CARGO_TARGET_DIR="$HOME_DIR/limit-target" cargo build --quiet --release --locked --manifest-path limit/Cargo.toml

if command -v node >/dev/null && command -v npm >/dev/null; then
  mkdir -p "$HOME_DIR/node"
  cp peers/node/package.json peers/node/package-lock.json "$HOME_DIR/node/"
  (cd "$HOME_DIR/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
else
  echo "setup: no node or npm here; run without the node peer" >&2
fi
echo "setup: done ($HOME_DIR)"
