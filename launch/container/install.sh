#!/usr/bin/env bash
# Installs what one kind of container needs into a new virtual environment: install.sh actor|learner|monitor|ros2 VENV
# PYTHON names another Python. The images run this, and so does tests/system/test_containers.py.
set -euo pipefail
what="$1" venv="$2"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
python="${PYTHON:-python3}"
pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input)

case "$what" in
  actor) extras=sim,serial ;;
  learner) extras=learner ;;
  monitor) extras=web ;;
  ros2)
    # rclpy and its messages were built for the numpy of that ROS 2: the system's stays, and nothing pulls another one.
    "$python" -m venv --system-site-packages "$venv"
    "${pip[@]}" install pyzmq msgpack
    exec "${pip[@]}" install --no-deps "$root"
    ;;
  *)
    echo "error: expected actor, learner, monitor or ros2, got '$what'" >&2
    exit 2
    ;;
esac
"$python" -m venv "$venv"
"${pip[@]}" install "${root}[$extras]" -c "$root/constraints.txt"
