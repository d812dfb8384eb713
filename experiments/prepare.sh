#!/usr/bin/env bash
# Test sets for the grids of this folder, made once from LFW and a folder of distractors:
#
#   experiments/prepare.sh LFW DISTRACTORS OUT [PROGRAM]
#
# LFW          images/Name/Name_0001.jpg, landmarks.txt (docs of `align`), pairs.txt, pairsDevTrain.txt, pairsDevTest.txt, blufr/
# DISTRACTORS  aligned chips of people who are not in LFW, one a person, directly in one folder
# OUT          lfw/ (aligned chips), pairs.txt, development.txt, blufr/, and lists for identification among distractors:
#              probes.{txt,json}: people with several photos, at most ten of each, so that one man with 530 does not
#              make four fifths of all trials; distractors.{txt,json}: LFW's people with one photo, and DISTRACTORS.
#              Paths of all lists are relative to OUT.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2; }
lfw=$(realpath "$1") distractors=$(realpath "$2") out=$3 program=${4:-build/bin/adaptiveface}
for file in images landmarks.txt pairs.txt pairsDevTrain.txt pairsDevTest.txt blufr; do
  [ -e "$lfw/$file" ] || { echo "$lfw/$file: not there; see the head of this script" >&2; exit 3; }
done
mkdir -p "$out"
[ -e "$out/lfw" ] || "$program" align "$lfw/images" "$lfw/landmarks.txt" "$out/lfw"
ln -sfn "$distractors" "$out/distractors"
ln -sfn "$lfw/blufr" "$out/blufr"
install -m 644 "$lfw/pairs.txt" "$out/pairs.txt"

# View 1, on which margins are chosen: both of its lists, of which each has its genuine pairs first and as many impostor
# pairs after them, dealt out to ten folds, as View 2 has them.
awk -F'\t' 'NF == 3 { same[ns++] = $0 } NF == 4 { other[no++] = $0 }
  END { n = int((ns < no ? ns : no) / 10); printf "10\t%d\n", n
        for (f = 0; f < 10; ++f) {
          for (i = f * n; i < (f + 1) * n; ++i) print same[i]
          for (i = f * n; i < (f + 1) * n; ++i) print other[i] } }' "$lfw/pairsDevTrain.txt" "$lfw/pairsDevTest.txt" \
  > "$out/development.txt"

(cd "$out" && find lfw -name '*.jpg' | LC_ALL=C sort) | awk -F/ -v probes="$out/probes.tsv" -v singles="$out/singles.txt" '
  { person[NR] = $2; path[NR] = $0; photos[$2]++ }
  END { printf "" > probes; printf "" > singles
        for (i = 1; i <= NR; ++i)
          if (photos[person[i]] == 1) print path[i] > singles
          else if (++taken[person[i]] <= 10) print path[i] "\t" person[i] > probes }'
(cd "$out" && find -L distractors -name '*.jpg' | LC_ALL=C sort) | cat "$out/singles.txt" - > "$out/distractors.txt"
rm "$out/singles.txt"
cut -f1 "$out/probes.tsv" > "$out/probes.txt"

# {"path": [...], "id": [...]}, the form of the MegaFace lists.
json() { awk -F'\t' -v column="$2" '{ printf "%s\"%s\"", (NR > 1 ? ", " : ""), $column }' "$1"; }
printf '{"path": [%s], "id": [%s]}\n' "$(json "$out/probes.tsv" 1)" "$(json "$out/probes.tsv" 2)" > "$out/probes.json"
printf '{"path": [%s]}\n' "$(json "$out/distractors.txt" 1)" > "$out/distractors.json"
rm "$out/probes.tsv"
wc -l "$out/probes.txt" "$out/distractors.txt" "$out/development.txt"
