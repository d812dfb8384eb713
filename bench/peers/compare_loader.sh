#!/usr/bin/env bash
# Our loader beside the usual Python one, on the same JPEGs, turn by turn.
#   bench/peers/compare_loader.sh LOADER_RATE_BENCH PYTHON FOLDER [ROUNDS [TIMES]]
# FOLDER: a sub-folder an identity, JPEG chips of one size. PYTHON with torch, cv2 and numpy, which reads each TIMES times.
set -euo pipefail
usage="usage: compare_loader.sh LOADER_RATE_BENCH PYTHON FOLDER [ROUNDS [TIMES]]"
ours=${1:?$usage}
python=${2:?$usage}
folder=${3:?$usage}
rounds=${4:-3}
times=${5:-10}
here=$(dirname "$0")
record=$(mktemp -d)/faces.rec
trap 'rm -r "$(dirname "$record")"' EXIT
"$python" "$here/loader_torch.py" pack "$folder" "$record" "$times"
for ((round = 1; round <= rounds; ++round)); do
  "$python" "$here/loader_torch.py" load "$record" 2
  "$ours" "$folder" 3 2 | grep -E "JPEG|mirror "
done
