#!/usr/bin/env bash
# Starts the learner with the settings of learner.env, or of the file that DAYDREAMER_ENV names.
# Further arguments go to `daydreamer learner` as they are.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
set -a
# shellcheck source=learner.env
source "${DAYDREAMER_ENV:-$here/learner.env}"
set +a

program="$here/../.venv/bin/daydreamer"
[[ -x "$program" ]] || program=daydreamer
keys=()
[[ -z "${DAYDREAMER_KEYS:-}" ]] || keys=(--keys "$DAYDREAMER_KEYS")
# Several words: options and their values.
read -r -a options <<<"${DAYDREAMER_OPTIONS:-}"
exec "$program" learner \
  --preset "$DAYDREAMER_PRESET" --logdir "$DAYDREAMER_LOGDIR" --speed "$DAYDREAMER_SPEED" \
  --bind "$DAYDREAMER_BIND" ${keys[@]+"${keys[@]}"} ${options[@]+"${options[@]}"} "$@"
