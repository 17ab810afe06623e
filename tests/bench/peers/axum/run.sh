#!/usr/bin/env bash
exec "${PEERS_HOME:?}/axum-target/release/axum-peer"
