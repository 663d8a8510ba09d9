#!/usr/bin/env bash
# What a container runs: start.sh keys|actor|learner|monitor|ros2, then further options. Settings come as variables.
set -euo pipefail
what="$1"
shift
launch="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export DAYDREAMER_ENV=/dev/null # not a file: the variables are set already
run="${DAYDREAMER_LOGDIR:-/runs/compose}"
export DAYDREAMER_LOGDIR="$run"

case "$what" in
  keys)
    # Once: the learner's in one place, the actor's with the learner's public key in another.
    learner="$1" actor="$2" name="${DAYDREAMER_NAME:-actor}"
    if [[ ! -e "$learner/learner.key" || ! -e "$learner/allowed/$name.pub" || ! -e "$actor/$name.key" ]]; then
      rm -f "$learner/$name.key" "$learner/allowed/$name.pub" # of a pair whose other half is lost
      daydreamer keys new "$learner" --actors "$name"
      mv -f "$learner/$name.key" "$actor/$name.key"
    fi
    cp "$learner/learner.pub" "$actor/learner.pub"
    ;;
  learner)
    exec "$launch/learner.sh" "$@"
    ;;
  actor)
    exec "$launch/actor.sh" "$@"
    ;;
  monitor)
    exec daydreamer monitor "$run" --host "${DAYDREAMER_HOST:-127.0.0.1}" --port "${DAYDREAMER_PORT:-8080}" "$@"
    ;;
  ros2)
    set +u # ROS 2's own script uses variables that are not set
    # shellcheck disable=SC1090
    source "/opt/ros/${ROS_DISTRO:-jazzy}/setup.bash"
    set -u
    exec daydreamer ros2 --logdir "$run" --name "${DAYDREAMER_NAME:-actor}" --backend rclpy "$@"
    ;;
  *)
    echo "error: expected keys, actor, learner, monitor or ros2, got '$what'" >&2
    exit 2
    ;;
esac
