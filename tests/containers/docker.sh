#!/usr/bin/env bash
# Gives the container tests what they need on a Debian machine that can't pull images: a Docker daemon started by hand,
# and a base image made from Debian's packages. As root:
#   source tests/containers/docker.sh FOLDER
# exports DOCKER_HOST and SALTWELL_TEST_BASE; the daemon's process id stands in FOLDER/pid.
folder=$(mkdir -p "$1" && cd "$1" && pwd)
export DOCKER_HOST="unix://$folder/sock" SALTWELL_TEST_BASE=saltwell-base:bookworm

command -v dockerd >/dev/null && command -v debootstrap >/dev/null || apt-get install -y -qq docker.io debootstrap >/dev/null

if ! docker version >/dev/null 2>&1; then
  dockerd --data-root "$folder/data" --exec-root "$folder/exec" -p "$folder/pid" -H "$DOCKER_HOST" >"$folder/log" 2>&1 &
  for _ in $(seq 60); do docker version >/dev/null 2>&1 && break; sleep 1; done
fi

if ! docker image inspect "$SALTWELL_TEST_BASE" >/dev/null 2>&1; then
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip bookworm "$folder/base" >"$folder/base.log"
  # What this machine trusts, so that packages can be had where the network has an authority of its own.
  cp /etc/ssl/certs/ca-certificates.crt "$folder/base/etc/ssl/certs/"
  printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$folder/base/etc/pip.conf"
  rm -f "$folder"/base/var/cache/apt/archives/*.deb
  tar -C "$folder/base" -c . | docker import - "$SALTWELL_TEST_BASE" >/dev/null
  rm -rf "$folder/base"
fi
