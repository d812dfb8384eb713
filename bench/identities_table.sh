#!/usr/bin/env bash
# What a training step costs and holds as the number of identities grows, other things equal: configs/million.toml at
# 10,000, 100,000 and 1,000,000 identities of three photos. Prints a Markdown table:
#   steps/s             of the last 50 steps, when all parts are warm
#   waiting for photos  share of that time in which the loader had none ready
#   peak RSS            most memory resident at once, the final checkpoint included (wait4)
#   whole run           from the program's start to its end, checkpoint and margins written
#
#   bench/identities_table.sh PROGRAM [WORK_DIR] [IDENTITIES ...] [-- OPTIONS OF train ...]
# The runs stay in WORK_DIR (build/identities_table), which must not hold earlier ones; a million identities need 7 GB
# there. Needs Python 3.
set -euo pipefail
program=${1:?usage: bench/identities_table.sh PROGRAM [WORK_DIR] [IDENTITIES ...] [-- OPTIONS OF train ...]}
shift
work=build/identities_table
if [[ $# -gt 0 && $1 != -- ]]; then work=$1; shift; fi
counts=()
while [[ $# -gt 0 && $1 != -- ]]; do counts+=("$1"); shift; done
[[ $# -gt 0 ]] && shift
[[ ${#counts[@]} -gt 0 ]] || counts=(10000 100000 1000000)
recipe=$(cd "$(dirname "$0")/.." && pwd)/configs/million.toml
mkdir -p "$work"

echo "| identities | steps/s | waiting for photos | peak RSS MiB | checkpoint MiB | whole run s |"
echo "|---|---|---|---|---|---|"
for count in "${counts[@]}"; do
  run="$work/$count"
  python3 - "$run" "$count" "$program" train --config "$recipe" --run-dir "$run" --set "synth.identities=$count" \
      --set "synth.images=$((3 * count))" "$@" <<'PYTHON'
import glob, json, os, subprocess, sys, time
run, count, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
started = time.time()
with open(run + ".log", "w") as log:
    program = subprocess.Popen(command, stdout=log, stderr=log)
    _, status, usage = os.wait4(program.pid, 0)
seconds = time.time() - started
if status != 0:
    sys.exit(f"{count} identities: failed with status {status}, see {run}.log")
with open(run + "/summary.json") as file:
    summary = json.load(file)
session = summary["this_session"]
checkpoint = max(os.path.getsize(path) for path in glob.glob(run + "/checkpoints/*"))
per_step = session["images"] / summary["steps"]
print(f"| {count:,} | {summary['last_interval']['images_per_s'] / per_step:.2f} "
      f"| {100 * summary['last_interval']['stall_share']:.0f} % | {usage.ru_maxrss / 1024:,.0f} "
      f"| {checkpoint / 2**20:,.0f} | {seconds:.0f} |", flush=True)
PYTHON
done
