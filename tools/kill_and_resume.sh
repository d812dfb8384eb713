#!/usr/bin/env bash
# Kills a small training run with SIGKILL at random moments, the writing of checkpoints included, resumes it each time,
# and compares what it ends with to an undisturbed run (tests/cli/kill_and_resume_test.cpp says how). Prints what it did;
# exit code 0 only when every file could be read after every kill and all results were equal.
set -euo pipefail
build=${1:?usage: tools/kill_and_resume.sh BUILD_FOLDER [KILLS, 200] [SEED, 1]}
AFACE_KILLS=${2:-200} AFACE_KILL_SEED=${3:-1} "$build/bin/cli_test" --gtest_filter='KillAndResume.*'
