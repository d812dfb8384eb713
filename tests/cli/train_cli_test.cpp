// The whole program on configs/tiny.toml: a run, its files, resuming, stopping, and what it says to bad input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;

const std::string kTiny = std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml";

RunResult train(const std::string& run_dir, std::vector<std::string> more = {}, const RunOptions& options = {}) {
  std::vector<std::string> arguments = {"train", "--config", kTiny, "--run-dir", run_dir, "--threads", "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_program(AFACE_PROGRAM, arguments, options);
}

// A run that was told to stop when its progress line says so.
RunResult train_until(const std::string& progress, int signal, const std::string& run_dir) {
  RunOptions stop;
  stop.signal = signal;
  stop.signal_after = progress;
  return train(run_dir, {}, stop);
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

bool has_unfinished_files(const std::string& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().filename().string().find(".tmp") != std::string::npos) return true;
  }
  return false;
}

void expect_one_line_error(const RunResult& result, int exit_code, const std::string& says) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_FALSE(result.timed_out);
  EXPECT_THAT(result.err, HasSubstr(says));
  const std::size_t place = result.err.find("error: ");
  ASSERT_NE(place, std::string::npos) << result.err;
  EXPECT_EQ(result.err.find('\n', place), result.err.size() - 1) << "more than one line:\n" << result.err;
}

TEST(TrainCli, TinyRunLeavesEverythingThatItPromises) {
  const TempDir dir;
  const std::string run = dir.file("run");
  const RunResult result = train(run);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* name : {"config.toml", "metrics.jsonl", "model.safetensors", "margins.tsv", "noise_suspects.tsv",
                           "summary.json", "checkpoints/step_00000080.safetensors"}) {
    EXPECT_TRUE(std::filesystem::exists(run + "/" + name)) << name;
  }
  EXPECT_FALSE(has_unfinished_files(run));
  EXPECT_THAT(result.err, HasSubstr("eta"));
  EXPECT_THAT(result.out, HasSubstr(run + "/summary.json"));

  const auto summary = nlohmann::json::parse(bytes_of(run + "/summary.json"));
  EXPECT_EQ(summary["steps"], 80);
  EXPECT_EQ(summary["data"]["identities"], 24);
  EXPECT_EQ(summary["data"]["images"], 240);
  EXPECT_EQ(summary["validation"]["folds"].size(), 10u);
  EXPECT_EQ(summary["margins_of_richest"].size(), 10u);

  const std::vector<std::string> metrics = lines_of(run + "/metrics.jsonl");
  EXPECT_GE(metrics.size(), 8u);
  for (const std::string& line : metrics) EXPECT_TRUE(nlohmann::json::parse(line).contains("step")) << line;
  EXPECT_EQ(lines_of(run + "/margins.tsv").size(), 1u + 24u);
  EXPECT_GE(lines_of(run + "/noise_suspects.tsv").size(), 1u + 100u);

  const std::string before = bytes_of(run + "/summary.json");
  const RunResult again = train(run, {"--resume"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("finished"));
  EXPECT_EQ(bytes_of(run + "/summary.json"), before);
}

TEST(TrainCli, StoppedAndResumedRunEndsWithTheSameBytes) {
  const TempDir dir;
  const std::string whole = dir.file("whole"), halves = dir.file("halves");
  ASSERT_EQ(train(whole).exit_code, 0);

  const RunResult first = train_until("step 30/80", SIGINT, halves);
  EXPECT_EQ(first.exit_code, 128 + SIGINT) << first.err;
  EXPECT_FALSE(std::filesystem::exists(halves + "/model.safetensors"));
  EXPECT_FALSE(has_unfinished_files(halves));

  const RunResult second = train(halves, {"--resume"});
  ASSERT_EQ(second.exit_code, 0) << second.err;
  EXPECT_THAT(second.err, HasSubstr("resumed from"));
  EXPECT_TRUE(bytes_of(whole + "/model.safetensors") == bytes_of(halves + "/model.safetensors"));
  EXPECT_EQ(bytes_of(whole + "/noise_suspects.tsv"), bytes_of(halves + "/noise_suspects.tsv"));
  EXPECT_EQ(bytes_of(whole + "/margins.tsv"), bytes_of(halves + "/margins.tsv"));
}

TEST(TrainCli, RunDirectoryInUseIsRefusedWithoutResume) {
  const TempDir dir;
  dir.write("run/config.toml", "[train]\nsteps = 3\n");
  expect_one_line_error(train(dir.file("run")), 2, "add --resume");
}

TEST(TrainCli, ResumeWithOtherOptionsNamesThem) {
  const TempDir dir;
  const std::string run = dir.file("run");
  ASSERT_EQ(train_until("step 10/80", SIGTERM, run).exit_code, 128 + SIGTERM);
  expect_one_line_error(train(run, {"--resume", "--set", "head.logit_scale=20"}), 2, "head.logit_scale");
}

TEST(TrainCli, CheckpointOfAnotherNetworkIsRefused) {
  const TempDir dir;
  const std::string run = dir.file("run");
  ASSERT_EQ(train_until("step 10/80", SIGINT, run).exit_code, 128 + SIGINT);
  const std::string config = bytes_of(run + "/config.toml");
  const RunResult result =
      train(run, {"--resume", "--allow-changes", "--set", "backbone.width=24"});
  expect_one_line_error(result, 3, "checkpoints/step_");
  EXPECT_EQ(bytes_of(run + "/config.toml"), config) << "a refused start must not change what the run says it is";
}

TEST(TrainCli, MissingDataFolderIsNamed) {
  const TempDir dir;
  const RunResult result = train(dir.file("run"), {"--set", "data.source=folder", "--set", "data.root=" + dir.file("no")});
  expect_one_line_error(result, 3, dir.file("no"));
  EXPECT_FALSE(std::filesystem::exists(dir.file("run/config.toml"))) << "the next try must not need --resume";
}

TEST(TrainCli, ConfigurationMistakesAreNamedBeforeAnythingIsWritten) {
  const TempDir dir;
  const std::string run = dir.file("run");
  expect_one_line_error(train(run, {"--set", "train.stepz=3"}), 2, "steps");
  expect_one_line_error(train(run, {"--set", "optimizer.learning_rate=-1"}), 2, "learning_rate");
  expect_one_line_error(train(run, {"--set", "head.logit_scale=big"}), 2, "logit_scale");
  EXPECT_FALSE(std::filesystem::exists(run));
}

// A file-size limit stands for a disk that is full in the middle of a checkpoint.
TEST(TrainCli, FailingCheckpointWriteStopsWithOneLineAndKeepsTheOldOnes) {
  const TempDir dir;
  const std::string run = dir.file("run");
  const std::string script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
  const RunResult result = run_program(
      "/bin/bash", {"-c", script, AFACE_PROGRAM, "train", "--config", kTiny, "--run-dir", run, "--threads", "1"});
  expect_one_line_error(result, 3, "checkpoints/step_");
  EXPECT_FALSE(has_unfinished_files(run));
}

// A real small disk, where the test may mount one.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& folder) : folder_(folder) {
    std::filesystem::create_directories(folder);
    mounted_ = ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=1536k") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount(folder_.c_str());
  }
  bool mounted() const { return mounted_; }

 private:
  std::string folder_;
  bool mounted_ = false;
};

TEST(TrainCli, FullDiskStopsWithOneLineAndLeavesNoHalfWrittenFile) {
  const TempDir dir;
  const SmallDisk disk(dir.file("disk"));
  if (!disk.mounted()) GTEST_SKIP() << "may not mount a tmpfs here";
  const std::string run = dir.file("disk/run");
  const RunResult result = train(run, {"--set", "backbone.width=48"});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("No space left on device"));
  EXPECT_FALSE(has_unfinished_files(run));
}

}  // namespace
}  // namespace aface::test
