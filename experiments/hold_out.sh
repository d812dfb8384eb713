#!/usr/bin/env bash
# Lists for bands.toml, from a training list (lines path<TAB>identity):
#
#   experiments/hold_out.sh LIST OUT
#
# OUT/train.tsv    without the last photo of every identity that has three or more, nor the last tenth (at most ten) of more
# OUT/gallery.tsv  two photos of every identity, so that rich ones are not found more easily only for having more
# OUT/probes_BAND.tsv   the photos left out, by how many of the identity are still trained on: 2, 3_9, 10_29, 30_99, 100_up
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
[ -s "$1" ] || { echo "$1: no such list, or an empty one" >&2; exit 3; }
mkdir -p "$2"
awk -F'\t' -v out="$2" '
  { path[NR] = $1; who[NR] = $2; photos[$2]++ }
  END {
    for (i = 1; i <= NR; ++i) {
      n = photos[who[i]]; k = ++seen[who[i]]
      left = n < 3 ? n : n - (n < 20 ? 1 : n < 100 ? int(n / 10) : 10)
      if (k > left) {
        band = left < 3 ? "2" : left < 10 ? "3_9" : left < 30 ? "10_29" : left < 100 ? "30_99" : "100_up"
        print path[i] "\t" who[i] > (out "/probes_" band ".tsv")
        continue
      }
      print path[i] "\t" who[i] > (out "/train.tsv")
      if (k <= 2) print path[i] "\t" who[i] > (out "/gallery.tsv")
    }
  }' "$1"
wc -l "$2"/*.tsv
