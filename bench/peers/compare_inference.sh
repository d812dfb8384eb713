#!/usr/bin/env bash
# Our engine, ONNX Runtime and OpenCV's DNN on the same exported networks, in turns: compare_inference.sh BENCH PYTHON [ROUNDS]
# BENCH: the program inference_bench; PYTHON: an interpreter that has onnxruntime and numpy.
set -euo pipefail
bench=$1 python=$2 rounds=${3:-2} seconds=${SECONDS_EACH:-2}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for kind in ${KINDS:-mobilefacenet iresnet50}; do
  "$bench" make "$kind" "$work/$kind.safetensors" "$work/$kind.onnx"
done
for kind in ${KINDS:-mobilefacenet iresnet50}; do
  echo "$kind"
  for ((round = 0; round < rounds; ++round)); do
    for batch in 1 64; do
      for threads in 1 2; do
        "$bench" run ours "$work/$kind.safetensors" $batch $threads "$seconds"
        "$python" "$here/inference_ort.py" "$work/$kind.onnx" $batch $threads "$seconds"
        "$bench" run opencv "$work/$kind.onnx" $batch $threads "$seconds"
      done
    done
  done
done
