// The helper that all whole-program tests trust.
#include <gtest/gtest.h>
#include <signal.h>

#include <stdexcept>

#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

RunResult shell(const std::string& script, const RunOptions& options = {}) {
  return run_program("/bin/sh", {"-c", script}, options);
}

TEST(RunProgram, SeparatesTheStreamsAndTellsTheExitCode) {
  const RunResult result = shell("echo out; echo err >&2; exit 7");
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST(RunProgram, TakesMoreOutputThanAPipeHolds) {
  EXPECT_EQ(shell("head -c 1000000 /dev/zero; head -c 300000 /dev/zero >&2").out.size(), 1000000u);
}

TEST(RunProgram, SetsEnvironmentAndFolder) {
  const TempDir dir;
  RunOptions options;
  options.environment["AFACE_PROBE"] = "value";
  options.folder = dir.path();
  EXPECT_EQ(shell("echo $AFACE_PROBE; pwd", options).out, "value\n" + dir.path() + "\n");
}

TEST(RunProgram, EndsWhatTakesTooLong) {
  RunOptions options;
  options.timeout_seconds = 0.2;
  const RunResult result = shell("exec sleep 60", options);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
}

TEST(RunProgram, SendsASignalWhenToldTo) {
  RunOptions options;
  options.signal = SIGTERM;
  options.signal_after = "ready";
  EXPECT_EQ(shell("trap 'exit 9' TERM; echo ready >&2; while :; do sleep 0.05; done", options).exit_code, 9);
}

TEST(RunProgram, ThrowsWhenThereIsNoSuchProgram) {
  EXPECT_THROW(run_program("/no/such/program", {}), std::runtime_error);
}

}  // namespace
}  // namespace aface::test
