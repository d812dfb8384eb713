#!/usr/bin/env bash
# Runs every test of a build folder, shows failures in full and skipped tests with their reason, and ends with the
# line "N passed, N failed, N skipped". Exit code 0 only when nothing failed.
set -euo pipefail
build=${1:?usage: tools/run_tests.sh BUILD_FOLDER}
report=$build/tests.xml

# Two at a time: a test that computes uses its own threads.
status=0
ctest --test-dir "$build" --parallel 2 --output-on-failure --no-tests=error --output-junit tests.xml || status=$?

count() { sed -nE "s/^.*[[:space:]]$1=\"([0-9]+)\".*$/\1/p" "$report" | head -n 1; }
# The head of the report: <testsuite ... tests="" failures="" disabled="" skipped="" ...>, an attribute a line.
total=$(count tests)
# A test whose program is missing is among the "skipped" there; here it has failed.
told_to_skip=$(grep -c '<skipped message="SKIP_' "$report" || true)
failed=$(($(count failures) + $(count skipped) - told_to_skip))
skipped=$((told_to_skip + $(count disabled)))
echo "$((total - failed - skipped)) passed, $failed failed, $skipped skipped"
if [[ $failed != 0 ]]; then
  exit 1
fi
exit "$status"
