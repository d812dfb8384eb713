#!/usr/bin/env bash
# Times our evaluators beside the scripts of this folder; see README.md.
set -euo pipefail
usage="usage: compare_evaluation.sh ADAPTIVEFACE PYTHON WORK_FOLDER [DISTRACTORS] [ROUNDS]"
ours=${1:?$usage}
python=${2:?$usage}
work=${3:?$usage}
distractors=${4:-1000000}
rounds=${5:-1}
here=$(dirname "$0")

if [[ ! -f $work/made-$distractors ]]; then
  "$python" "$here/make_data.py" "$work" "$distractors"
  cp "$work/lists/image_list.txt" "$work/lfw.txt"
  touch "$work/made-$distractors"
fi
cat "$work"/*.npy > /dev/null  # everyone finds the files in memory

timed() { # LABEL COMMAND...: wall time, peak memory, result
  local label=$1
  shift
  /usr/bin/time -o "$work/time" -f "%e s, %M KiB" "$@" > "$work/out"
  printf '%-34s %-28s ' "$label" "$(cat "$work/time")"
  grep -E 'VR@FAR|DIR@FAR|rank1|tar_at_far/1e-06|TAR@FAR' "$work/out" | tr -s ' ' | tr '\n' ';'
  echo
}
for ((round = 1; round <= rounds; ++round)); do
  echo "round $round"
  timed "BLUFR, ours" "$ours" evaluate blufr --lists "$work/lists" --embeddings "$work/lfw.npy" --list "$work/lfw.txt" \
    --bootstrap 0
  timed "BLUFR, ours, 1,000 draws" "$ours" evaluate blufr --lists "$work/lists" --embeddings "$work/lfw.npy" \
    --list "$work/lfw.txt"
  timed "BLUFR, NumPy + scikit-learn" "$python" "$here/blufr_sklearn.py" "$work"
  megaface=(evaluate megaface --probe-list "$work/probes.json" --probe-features "$work/probes.npy"
    --distractor-list "$work/distractors.json" --distractor-features "$work/distractors.npy")
  timed "MegaFace, ours" "$ours" "${megaface[@]}" --bootstrap 0
  timed "MegaFace, ours, 1,000 draws" "$ours" "${megaface[@]}"
  timed "MegaFace, FAISS + scikit-learn" "$python" "$here/megaface_faiss.py" "$work"
  timed "MegaFace, NumPy" "$python" "$here/megaface_numpy.py" "$work"
done
