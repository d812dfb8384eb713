#!/usr/bin/env bash
# What `adaptiveface plan` says of a recipe, and what a run of it then takes.
#   bench/plan_check.sh ADAPTIVEFACE WORK_DIR RECIPE.toml [--set OPTION=VALUE ...]
set -euo pipefail
usage="usage: plan_check.sh ADAPTIVEFACE WORK_DIR RECIPE.toml [--set OPTION=VALUE ...]"
program=${1:?$usage}
work=${2:?$usage}
recipe=${3:?$usage}
shift 3
mkdir -p "$work"
"$program" plan --config "$recipe" "$@" --json "$work/plan.json"
rm -rf "$work/run"
# Faces that are drawn into files first are there before the clock starts.
"$program" train --config "$recipe" "$@" --set train.steps=2 --set optimizer.warmup_steps=0 --run-dir "$work/run" > "$work/train.txt" 2>&1
mkdir "$work/again"
[[ ! -d $work/run/faces ]] || mv "$work/run/faces" "$work/again/faces"
rm -rf "$work/run"
mv "$work/again" "$work/run"
begin=$(date +%s.%N)
"$program" train --config "$recipe" "$@" --run-dir "$work/run" > "$work/train.txt" 2>&1
end=$(date +%s.%N)
value() { # FILE NAME: the first number of that name
  grep -o "\"$2\": [0-9.e+-]*" "$1" | head -n 1 | cut -d ' ' -f 2
}
awk -v hours="$(value "$work/plan.json" hours)" -v planned="$(value "$work/plan.json" peak)" \
  -v rate="$(value "$work/plan.json" images_per_s)" -v begin="$begin" -v end="$end" \
  -v taken="$(value "$work/run/summary.json" peak_memory_bytes)" \
  -v seen="$(value "$work/run/summary.json" images_per_s)" 'BEGIN {
  printf "seconds: planned %.1f, taken %.1f, ratio %.3f\n", hours * 3600, end - begin, hours * 3600 / (end - begin)
  printf "images/s: planned %.0f, over the whole run, validations included, %.0f\n", rate, seen
  printf "MB: planned %.0f, taken %.0f, ratio %.3f\n", planned / 1e6, taken / 1e6, planned / taken
}'
