#!/bin/sh
# Install Saltwell on a station's edge box, or a newer one beside it: `install.sh WHAT [ROOT]`, as root.
# WHAT is what pip is told, e.g. 'saltwell[edge]==0.1.0' or a checkout's folder with [edge] behind it. The spool and the
# settings are never touched. The version in use is a link that is changed at once; the former one stays, to go back to.
set -eu
what=$1 root=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
home=$root/opt/saltwell

mkdir -p "$home" "$root/etc/saltwell" "$root/etc/systemd/system" "$root/var/spool/saltwell"
if [ -z "$root" ]; then
  id saltwell >/dev/null 2>&1 || useradd --system --home-dir /var/spool/saltwell --shell /usr/sbin/nologin saltwell
  chown saltwell:saltwell /var/spool/saltwell
fi

new=$(mktemp -d "$home/release.XXXXXX")
chmod 755 "$new"
python3 -m venv "$new"
"$new/bin/pip" install --quiet "$what"
"$new/bin/saltwell" replay --help >/dev/null # it runs, before anything changes

ln -s "$new" "$home/current.new"
mv -T "$home/current.new" "$home/current"

install -m 644 "$here/saltwell-spool.service" "$here/saltwell-spool.timer" "$root/etc/systemd/system/"
[ -e "$root/etc/saltwell/edge.env" ] || install -m 600 "$here/edge.env" "$root/etc/saltwell/edge.env"
if [ -z "$root" ]; then
  systemctl daemon-reload
  systemctl enable --now saltwell-spool.timer
fi
