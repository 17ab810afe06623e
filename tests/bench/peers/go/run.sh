#!/usr/bin/env bash
exec "${PEERS_HOME:?}/go-peer"
