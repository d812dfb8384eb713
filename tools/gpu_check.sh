#!/usr/bin/env bash
# The whole program on a device against the CPU of the same machine: do the numbers agree, how fast is it, what memory does
# it take. Prints a table; exits with 1 when something does not agree or does not run.
#   tools/gpu_check.sh BUILD_DIR [DEVICE]
# DEVICE is cuda unless given; "cpu" compares the CPU with itself, which tells whether the script works.
# STEPS (30) and BATCH (128) are those of the timed trainings.
set -uo pipefail
usage="usage: tools/gpu_check.sh BUILD_DIR [cuda|cpu]"
program=${1:?$usage}/bin/adaptiveface
device=${2:-cuda}
steps=${STEPS:-30}
batch=${BATCH:-128}
source_dir=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

row() { printf '%-46s %14s %14s   %s\n' "$@"; }
# NAME DEVICE OPTIONS...: a training in $work/NAME; its stderr goes to NAME.err, and the most memory in MiB that the card's
# tool saw in the process to NAME.memory.
train() {
  local run=$work/$1 on=$2 pid used most=0
  shift 2
  rm -rf "$run"
  "$program" train --config "$source_dir/configs/tiny.toml" --run-dir "$run" --device "$on" "$@" > /dev/null 2> "$run.err" &
  pid=$!
  if [[ $on == cuda ]] && command -v nvidia-smi > /dev/null; then
    while kill -0 "$pid" 2> /dev/null; do
      used=$(nvidia-smi --query-compute-apps=pid,used_memory --format=csv,noheader,nounits | awk -F', *' -v p="$pid" '$1 == p { print $2 }')
      (( ${used:-0} > most )) && most=$used
      sleep 0.2
    done
  fi
  echo "$most" > "$run.memory"
  wait "$pid"
}

fails() { # LABEL NAME
  row "$1" "" "" "FAILED: $(tail -n 1 "$work/$2.err")"
  failed=1
}

# Every value of that name in a log.
values_of() { grep -o "\"$1\":[0-9.e+-]*" | sed 's/.*://'; }

# The largest difference of two lists of numbers, divided by those of the first if told so.
difference() { # LIST LIST [relative]
  paste "$1" "$2" | awk -v relative="${3:-}" '
    { d = $1 - $2; if (relative) d /= $1; if (d < 0) d = -d; if (d > most) most = d } END { if (NR > 0) printf "%.1e", most }'
}

agree() { # LABEL DIFFERENCE LIMIT
  if awk -v d="$2" -v most="$3" 'BEGIN { exit !(d != "" && d + 0 <= most + 0) }'; then
    row "$1" "" "$2" "agrees (limit $3)"
  else
    row "$1" "" "${2:-none}" "DOES NOT AGREE (limit $3)"
    failed=1
  fi
}

row "" cpu "$device" ""
# Ten steps from the same start: later ones differ more and more, as rounding does.
ten=(--set train.steps=10 --set train.log_every=1 --set optimizer.warmup_steps=0 --set data.source=drawn)
for classes in all random dominant_queue feature_query; do
  options=("${ten[@]}" --set "mining.kind=$classes" --set mining.budget=20 --set train.batch_size=16)
  label="ten steps, $classes: losses differ by"
  train few-a cpu "${options[@]}" || { fails "$label" few-a; continue; }
  train few-b "$device" "${options[@]}" || { fails "$label" few-b; continue; }
  agree "$label" "$(difference <(values_of loss < "$work/few-a/metrics.jsonl") <(values_of loss < "$work/few-b/metrics.jsonl") relative)" 1e-3
done

# One model, the same photos.
"$program" synth "$work/faces" --identities 20 --images 200 --size 48 > /dev/null 2>&1
embed() { # NAME DEVICE
  "$program" embed --model "$work/few-a/model.safetensors" --images "$work/faces/train/images" --device "$2" --normalize \
    --out "$work/$1.npy" > /dev/null 2> "$work/$1.err"
}
numbers_in() { od -An -v -t f4 -w4 -j 128 "$1"; } # after the header of the .npy
label="embeddings of one model: values differ by"
if ! embed at-a cpu; then
  fails "$label" at-a
elif ! embed at-b "$device"; then
  fails "$label" at-b
else
  agree "$label" "$(difference <(numbers_in "$work/at-a.npy") <(numbers_in "$work/at-b.npy"))" 1e-4
fi

middle() { sort -n | awk '{ v[NR] = $1 } END { printf "%.0f", v[int((NR + 1) / 2)] }'; }
timed=(--set backbone.input_size=112 --set backbone.embedding_dim=512 --set "train.batch_size=$batch" --set train.log_every=1
  --set optimizer.warmup_steps=0 --set train.threads=0 --set synth.images=2000 --set synth.size=112 --set synth.heldout_identities=0)
for net in mobilefacenet iresnet50; do
  for bf16 in false true; do
    label="$net, bf16 $bf16, batch $batch: images/s"
    options=("${timed[@]}" --set "backbone.kind=$net" --set "train.bf16=$bf16")
    train fast-a cpu "${options[@]}" --set train.steps=3 || { fails "$label" fast-a; continue; }
    train fast-b "$device" "${options[@]}" --set "train.steps=$steps" || { fails "$label" fast-b; continue; }
    rates=()
    for side in a b; do
      rates+=("$(values_of images_per_s < "$work/fast-$side/metrics.jsonl" | tail -n +2 | middle)")
    done
    row "$label" "${rates[0]}" "${rates[1]}" "$(cat "$work/fast-b.memory") MiB on the device"
  done
done
exit $failed
