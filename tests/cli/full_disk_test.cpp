// Training on a disk that is full or fills up: file-size limits and /dev/full stand for it everywhere, a
// small tmpfs where the test may mount one.
#include <filesystem>
#include <fstream>

#include "tests/cli/tiny_run.h"
#include "tests/support/small_disk.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;

RunResult train_with_file_limit(const std::string& run, int kilobytes, const std::string& more) {
  const std::string script =
      "trap '' XFSZ; ulimit -f " + std::to_string(kilobytes) + "; exec \"$0\" \"$@\" " + more;
  return run_program("/bin/bash", {"-c", script, AFACE_PROGRAM, "train", "--config", kTiny, "--run-dir", run,
                                   "--threads", "1"});
}

// A file-size limit stands for a disk that is full: training goes on, the last good checkpoint stays as it
// is, and with room again the run ends as if nothing had been.
TEST(FullDisk, CheckpointsAndLogsThatFindNoRoomDoNotStopTheRunNorHarmTheLastGoodOne) {
  const TempDir dir;
  const std::string whole = dir.file("whole"), run = dir.file("run");
  ASSERT_EQ(train(whole).exit_code, 0);
  stop_at_30(run);
  const std::string last_good = newest_checkpoint(run), content = bytes_of(last_good);
  // The log has some kilobytes already, a checkpoint and a model some hundred.
  const RunResult crowded = train_with_file_limit(run, 12, "--resume");
  expect_one_line_error(crowded, 3, "model.safetensors");
  EXPECT_THAT(crowded.err, HasSubstr("no checkpoint of step 40"));
  EXPECT_THAT(crowded.err, HasSubstr("no checkpoint of step 80"));
  EXPECT_THAT(crowded.err, HasSubstr("step 80/80"));
  EXPECT_FALSE(has_unfinished_files(run));
  EXPECT_EQ(newest_checkpoint(run), last_good);
  EXPECT_TRUE(bytes_of(last_good) == content);

  const RunResult rest = train(run, {"--resume"});
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_TRUE(bytes_of(whole + "/model.safetensors") == bytes_of(run + "/model.safetensors"));
  EXPECT_EQ(log_of(run), log_of(whole));
}

TEST(FullDisk, AStopThatCannotBeSavedIsAnError) {
  const TempDir dir;
  const std::string run = dir.file("run");
  // Enough for the lists of the faces.
  const std::string script = "trap '' XFSZ; ulimit -f 40; exec \"$0\" \"$@\"";
  RunOptions stop;
  stop.signal = SIGTERM;
  stop.signal_after = "step 10/80";
  const RunResult result = run_program(
      "/bin/bash",
      {"-c", script, AFACE_PROGRAM, "train", "--config", kTiny, "--run-dir", run, "--threads", "1"}, stop);
  expect_one_line_error(result, 3, "checkpoints/step_");
  EXPECT_FALSE(has_unfinished_files(run));
}

TEST(FullDisk, ALogOnAFullDeviceIsAWarning) {
  const TempDir dir;
  const std::string run = dir.file("run");
  std::filesystem::create_directories(run);
  std::filesystem::create_symlink("/dev/full", run + "/metrics.jsonl");
  const RunResult result = train(run);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("metrics.jsonl: cannot write (No space left on device)"));
  EXPECT_TRUE(std::filesystem::exists(run + "/model.safetensors"));
}

TEST(FullDisk, FullDiskStopsWithOneLineAndLeavesNoHalfWrittenFile) {
  const TempDir dir;
  const SmallDisk disk(dir.file("disk"), "1536k");
  if (!disk.mounted()) GTEST_SKIP() << "may not mount a tmpfs here";
  const std::string run = dir.file("disk/run");
  const RunResult result = train(run, {"--set", "backbone.width=48"});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("No space left on device"));
  EXPECT_FALSE(has_unfinished_files(run));
}

// Filled by somebody else in the middle of the run, and freed again.
TEST(FullDisk, DiskThatFillsUpLeavesTheLastGoodCheckpointAndTheRunGoesOnWhenThereIsRoom) {
  const TempDir dir;
  const SmallDisk disk(dir.file("disk"), "24m");
  if (!disk.mounted()) GTEST_SKIP() << "may not mount a tmpfs here";
  const std::string whole = dir.file("whole"), run = dir.file("disk/run"), filler = dir.file("disk/filler");
  ASSERT_EQ(train(whole).exit_code, 0);
  stop_at_30(run);
  const std::string last_good = newest_checkpoint(run), content = bytes_of(last_good);
  {
    std::ofstream file(filler, std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  std::filesystem::resize_file(filler,
                               std::filesystem::file_size(filler) - 16384);  // some room for small files
  const RunResult crowded = train(run, {"--resume"});
  EXPECT_EQ(crowded.exit_code, 3) << crowded.err;
  EXPECT_THAT(crowded.err, HasSubstr("no checkpoint of step 40"));
  EXPECT_THAT(crowded.err, HasSubstr("step 80/80"));
  EXPECT_FALSE(has_unfinished_files(run));
  EXPECT_EQ(newest_checkpoint(run), last_good);
  EXPECT_TRUE(bytes_of(last_good) == content);

  std::filesystem::remove(filler);
  const RunResult rest = train(run, {"--resume"});
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_TRUE(bytes_of(whole + "/model.safetensors") == bytes_of(run + "/model.safetensors"));
  EXPECT_EQ(log_of(run), log_of(whole));
}

}  // namespace
}  // namespace aface::test
