#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/adaptiveface.h"
#include "tests/cli/tiny_run.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kGrid = R"(
title = "Two heads"
configs = ["{TINY}"]
set = ["train.steps=20", "head.margin_freeze_steps=5", "data.source=list", "data.root={grid}/faces/train/images",
       "data.list={grid}/faces/train/list.tsv"]
seeds = [1, 2]
baselines = ["cosface"]

[[before]]
makes = "faces"
command = ["synth", "{out}", "--identities", "24", "--images", "240", "--size", "48", "--heldout-identities", "12",
           "--heldout-images", "6", "--pairs", "200", "--reuse"]

[[variant]]
name = "cosface"
set = ["head.kind=cosface", "head.margin=0.1"]

[[variant]]
name = "adaptive"

[[after]]
makes = "pairs.json"
command = ["evaluate", "pairs", "--pairs", "{grid}/faces/heldout/pairs.txt", "--images", "{grid}/faces/heldout/images",
           "--model", "{run}/model.safetensors", "--bootstrap", "50", "--json", "{out}"]

[[figure]]
label = "accuracy %"
file = "pairs.json"
name = "accuracy"

[[figure]]
label = "loss"
file = "summary.json"
pointer = "/last_interval/loss"
unit = 1
)";

TEST(ExperimentCommand, TrainsEvaluatesComparesAndGoesOn) {
  const TempDir dir;
  const std::string grid = dir.write("grid.toml", kGrid), out = dir.file("out");
  const std::vector<std::string> arguments = {"experiment", grid, "--out", out, "--define", "TINY=" + kTiny};
  const RunResult first = run_adaptiveface(arguments);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("| cosface | 2 |"));
  EXPECT_THAT(first.out, HasSubstr("minus cosface"));
  EXPECT_EQ(first.out, bytes_of(out + "/table.md"));
  EXPECT_THAT(bytes_of(out + "/table.tsv"), HasSubstr("adaptive\tcosface\taccuracy %\t"));
  EXPECT_FALSE(has_unfinished_files(out));

  // Nothing is left to do, and the tables are the same.
  const auto trained = std::filesystem::last_write_time(out + "/adaptive/seed2/summary.json");
  const RunResult again = run_adaptiveface(arguments);
  EXPECT_EQ(again.out, first.out);
  EXPECT_EQ(std::filesystem::last_write_time(out + "/adaptive/seed2/summary.json"), trained);
}

TEST(ExperimentCommand, StopsWithItsTrainingAndGoesOnToTheSameTable) {
  const TempDir dir;
  const std::string grid = dir.write("grid.toml", kGrid);
  const auto command = [&](const std::string& out) {
    return std::vector<std::string>{"experiment", grid, "--out", dir.file(out), "--define", "TINY=" + kTiny};
  };
  RunOptions stop;
  stop.signal = SIGTERM;
  stop.signal_after = "adaptive seed 1";
  const RunResult stopped = run_adaptiveface(command("out"), stop);
  EXPECT_EQ(stopped.exit_code, 128 + SIGTERM) << stopped.err;
  EXPECT_FALSE(std::filesystem::exists(dir.file("out/adaptive/seed2")));
  const RunResult resumed = run_adaptiveface(command("out"));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(resumed.out, run_adaptiveface(command("other")).out);
}

TEST(ExperimentCommand, SaysWhatIsWrongBeforeItTrains) {
  const TempDir dir;
  const std::string grid = dir.write("grid.toml", kGrid), out = dir.file("out");
  expect_failure({"experiment", grid, "--out", out}, 2, "nobody says what {TINY} is; give --define TINY=");
  expect_failure({"experiment", grid, "--out", out, "--define", "TINY"}, 2, "NAME=VALUE");
  expect_failure({"experiment", dir.file("none.toml"), "--out", out}, 3, "none.toml");
  const std::string wrong = dir.write("wrong.toml", "[[variant]]\nname = 'x'\nset = ['head.margn=1']\n");
  expect_failure({"experiment", wrong, "--out", out}, 2, "variant x: --set");
  EXPECT_FALSE(std::filesystem::exists(out));
  const RunResult list =
      run_adaptiveface({"experiment", grid, "--out", out, "--define", "TINY=" + kTiny, "--list"});
  EXPECT_EQ(list.out, out + "/cosface/seed1\n" + out + "/cosface/seed2\n" + out + "/adaptive/seed1\n" + out +
                          "/adaptive/seed2\n");
}

TEST(ExperimentCommand, TheGridsOfTheProjectAreInOrder) {
  int grids = 0;
  for (const auto& entry : std::filesystem::directory_iterator(AFACE_SOURCE_DIR "/experiments")) {
    if (bytes_of(entry.path()).find("[[variant]]") == std::string::npos) continue;
    ++grids;
    std::vector<std::string> arguments = {"experiment", entry.path(), "--out", "nowhere", "--list"};
    for (const char* name : {"FACES", "TESTS", "BANDS", "REC", "BINS"}) {
      arguments.insert(arguments.end(), {"--define", std::string(name) + "=somewhere"});
    }
    const RunResult result = run_adaptiveface(arguments);
    EXPECT_EQ(result.exit_code, 0) << entry.path() << ": " << result.err;
  }
  EXPECT_GE(grids, 9);
}

TEST(ExperimentCommand, ARunThatFailsIsListedAndTheOthersGoOn) {
  const TempDir dir;
  const std::string grid =
      dir.write("grid.toml", kGrid + "\n[[variant]]\nname = 'lost'\nset = ['data.list=none.tsv']\n");
  const RunResult result = run_adaptiveface(
      {"experiment", grid, "--out", dir.file("out"), "--define", "TINY=" + kTiny, "--jobs", "2"});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.out, HasSubstr("* lost seed 1 failed: the training ended with exit code 3"));
  EXPECT_THAT(result.out, HasSubstr("none.tsv"));
  EXPECT_THAT(result.out, HasSubstr("| adaptive | 2 |"));
}

}  // namespace
}  // namespace aface::test
