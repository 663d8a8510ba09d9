#!/usr/bin/env bash
# Exit code 0 when it does its work: health.sh learner|actor|monitor. One line says why not.
#   learner  listens on its port
#   actor    its control loop has shown itself on the console within the last seconds
#   monitor  its page answers
set -euo pipefail
run="${DAYDREAMER_LOGDIR:-/runs/compose}"
case "$1" in
  learner)
    # Looked up, not tried: a connection that says nothing would be a warning in its log. 0A is "listens".
    port="$(printf '%04X' "${DAYDREAMER_BIND##*:}")"
    grep -qsE ":$port 0+:0+ 0A" /proc/net/tcp /proc/net/tcp6 || {
      echo "it does not listen" >&2
      exit 1
    }
    ;;
  actor) exec python - "$run/actor-${DAYDREAMER_NAME:-actor}" <<'PYTHON' ;;
import sys
from pathlib import Path
from daydreamer.transport.console_client import ConsoleClient
with ConsoleClient(Path(sys.argv[1]), viewer="health") as client:
    seen = client.latest(5.0)
    sys.exit(client.problem or "nothing shown yet" if seen is None else seen.age > 10.0 and f"silent for {seen.age:.0f} s")
PYTHON
  monitor) exec python - "${DAYDREAMER_PORT:-8080}" <<'PYTHON' ;;
import sys, urllib.request
urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/", timeout=5).close()
PYTHON
  *)
    echo "error: expected learner, actor or monitor, got '$1'" >&2
    exit 2
    ;;
esac
