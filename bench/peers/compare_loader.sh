#!/usr/bin/env bash
# Our loader beside the usual Python one, on the same .rec of chips of 112 pixels, turn by turn, two workers each.
#   bench/peers/compare_loader.sh RECORD_LOADER_BENCH PYTHON FILE.rec [ROUNDS]
# PYTHON with torch, cv2 and numpy. A .rec of 50,000 different chips:
#   adaptiveface synth faces --identities 5000 --images 50000 --heldout-identities 0
#   adaptiveface convert faces/train/images faces.rec --plain
set -euo pipefail
usage="usage: compare_loader.sh RECORD_LOADER_BENCH PYTHON FILE.rec [ROUNDS]"
ours=${1:?$usage}
python=${2:?$usage}
record=${3:?$usage}
rounds=${4:-3}
here=$(dirname "$0")
cat "$record" > /dev/null # into the page cache, for both
for ((round = 1; round <= rounds; ++round)); do
  for augmentation in mirror crop; do
    "$python" "$here/loader_torch.py" "$record" "$augmentation" 2
    "$ours" "$record" "$augmentation" 2
  done
done
