#!/usr/bin/env bash
# Starts the actor with the settings of actor.env, or of the file that DAYDREAMER_ENV names.
# Further arguments go to `daydreamer actor` as they are.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
set -a
# shellcheck source=actor.env
source "${DAYDREAMER_ENV:-$here/actor.env}"
set +a

program="$here/../.venv/bin/daydreamer"
[[ -x "$program" ]] || program=daydreamer
keys=()
[[ -z "${DAYDREAMER_KEYS:-}" ]] || keys=(--keys "$DAYDREAMER_KEYS")
# One thread for numerics: the control loop wants a quiet core, not many.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# Several words: options and their values.
read -r -a options <<<"${DAYDREAMER_OPTIONS:-}"
exec "$program" actor \
  --preset "$DAYDREAMER_PRESET" --logdir "$DAYDREAMER_LOGDIR" --speed "$DAYDREAMER_SPEED" \
  --connect "$DAYDREAMER_CONNECT" --name "$DAYDREAMER_NAME" ${keys[@]+"${keys[@]}"} ${options[@]+"${options[@]}"} "$@"
