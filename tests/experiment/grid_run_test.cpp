#include "aface/experiment/grid_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "aface/core/file.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A program that writes every call into calls.txt. "train ... --run-dir DIR" makes DIR/summary.json, "make
// FILE" makes FILE, "fail" complains and fails.
constexpr const char* kProgram = R"(#!/bin/sh
echo "$*" >> "$(dirname "$0")/calls.txt"
case "$1" in
  train)
    case "$*" in *break*) echo "it broke" >&2; exit 4;; esac
    for word; do [ "$last" = --run-dir ] && dir="$word"; last="$word"; done
    echo '{}' > "$dir/summary.json";;
  make) echo "$3" > "$2";;
  nothing) ;;
  fail) echo "first"; echo "the reason" >&2; exit 3;;
esac
)";

class GridRunTest : public ::testing::Test {
 protected:
  GridRunTest() {
    options_.program = dir_.write("program", kProgram);
    std::filesystem::permissions(options_.program, std::filesystem::perms::owner_all);
    options_.out = dir_.file("out");
    grid_.seeds = {1, 2};
    grid_.variants = {{"a", {}, {"x=1"}, {}, {}}, {"b", {}, {"x=2"}, {}, {}}};
  }
  std::vector<std::string> calls() {
    const std::string text =
        file_exists(dir_.file("calls.txt")) ? read_text_file(dir_.file("calls.txt")) : "";
    std::filesystem::remove(dir_.file("calls.txt"));
    std::vector<std::string> lines;
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = text.find('\n', start);
      lines.push_back(text.substr(start, end - start));
      start = end + 1;
    }
    return lines;
  }
  std::string call(const std::string& variant, int x, int seed) {
    const std::string n = std::to_string(seed);
    return "train --set x=" + std::to_string(x) + " --seed " + n + " --run-dir " + options_.out + "/" +
           variant + "/seed" + n + " --resume --threads 1";
  }
  test::TempDir dir_;
  Grid grid_;
  GridRunOptions options_;
};

TEST_F(GridRunTest, AllVariantsHaveTheFirstSeedBeforeOneHasTheSecond) {
  const auto runs = run_grid(grid_, options_);
  ASSERT_EQ(runs.size(), 4u);
  for (const GridRun& run : runs) EXPECT_EQ(run.problem, "");
  EXPECT_THAT(calls(), ElementsAre(call("a", 1, 1), call("b", 2, 1), call("a", 1, 2), call("b", 2, 2)));
}

TEST_F(GridRunTest, WhatIsDoneIsNotDoneAgain) {
  grid_.before = {{"shared", {"make", "{out}"}}};
  grid_.after = {{"one", {"make", "{out}", "{variant}{seed}"}}};
  run_grid(grid_, options_);
  EXPECT_EQ(calls().size(), 9u);
  EXPECT_EQ(read_text_file(options_.out + "/b/seed2/one"), "b2\n");
  run_grid(grid_, options_);
  EXPECT_TRUE(calls().empty());
  // A new seed costs that seed only.
  grid_.seeds.push_back(3);
  run_grid(grid_, options_);
  EXPECT_EQ(calls().size(), 4u);
  // A training without its summary is taken up again.
  std::filesystem::remove(options_.out + "/a/seed1/summary.json");
  run_grid(grid_, options_);
  EXPECT_EQ(calls().size(), 2u);
}

TEST_F(GridRunTest, AVariantsOwnValuesReachTrainingAndSteps) {
  grid_.seeds = {1};
  grid_.variants = {{"a", {}, {"list={share}"}, {{"share", "5"}, {}}, {}}};
  grid_.after = {{"score", {"make", "{out}", "of{share}"}}};
  run_grid(grid_, options_);
  EXPECT_THAT(calls()[0], HasSubstr("--set list=5 "));
  EXPECT_EQ(read_text_file(options_.out + "/a/seed1/score"), "of5\n");
}

TEST_F(GridRunTest, AChangedStepIsDoneAgainWithAllThatFollow) {
  grid_.seeds = {1};
  grid_.variants.resize(1);
  grid_.after = {{"one", {"make", "{out}"}}, {"two", {"make", "{out}"}}, {"three", {"make", "{out}"}}};
  run_grid(grid_, options_);
  calls();
  grid_.after[1].arguments.push_back("else");
  run_grid(grid_, options_);
  const std::string run = options_.out + "/a/seed1/";
  EXPECT_THAT(calls(), ElementsAre("make " + run + "two else", "make " + run + "three"));
}

TEST_F(GridRunTest, AChangedTrainingIsRefused) {
  run_grid(grid_, options_);
  calls();
  grid_.variants[0].overrides = {"x=9"};
  const auto runs = run_grid(grid_, options_);
  EXPECT_THAT(runs[0].problem, HasSubstr("a/seed1 was started as 'train --set x=1 --seed 1', and would be"));
  EXPECT_EQ(runs[1].problem, "");
  EXPECT_TRUE(calls().empty());
}

TEST_F(GridRunTest, AFailureIsThatRunsAlone) {
  grid_.variants[0].overrides = {"break"};
  grid_.variants.push_back({"c", {}, {}, {}, {}});
  grid_.after = {{"one", {"make", "{out}"}}};
  const auto runs = run_grid(grid_, options_);
  EXPECT_EQ(runs[0].problem, "the training ended with exit code 4: it broke");
  EXPECT_EQ(runs[1].problem, "");
  EXPECT_TRUE(file_exists(options_.out + "/c/seed2/one"));
  EXPECT_FALSE(file_exists(options_.out + "/a/seed1/one"));
}

TEST_F(GridRunTest, AStepThatFailsOrMakesNothingSaysSo) {
  grid_.seeds = {1};
  grid_.after = {{"one", {"fail"}}};
  EXPECT_EQ(run_grid(grid_, options_)[0].problem, "making one ended with exit code 3: the reason");
  EXPECT_THAT(read_text_file(options_.out + "/a/seed1/log.txt"), HasSubstr("first\nthe reason"));
  grid_.after = {{"one", {"nothing"}}};
  EXPECT_THAT(run_grid(grid_, options_)[0].problem, HasSubstr("'nothing' did not make"));
  grid_.before = {{"shared", {"fail"}}};
  EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { run_grid(grid_, options_); }),
              ::testing::HasSubstr("the reason"));
  options_.program = dir_.file("none");
  EXPECT_THAT(test::error_of(ErrorKind::kIo, [&] { run_grid(grid_, options_); }),
              ::testing::HasSubstr("none: cannot be started"));
}

TEST_F(GridRunTest, SideBySideDoesTheSame) {
  options_.jobs = 3;
  std::vector<std::string> lines;
  options_.on_progress = [&](const std::string& line) { lines.push_back(line); };
  run_grid(grid_, options_);
  auto done = calls();
  std::sort(done.begin(), done.end());
  EXPECT_THAT(done, ::testing::UnorderedElementsAre(call("a", 1, 1), call("b", 2, 1), call("a", 1, 2),
                                                    call("b", 2, 2)));
  EXPECT_EQ(lines.size(), 8u);
}

TEST_F(GridRunTest, ADamagedRecordOfWhatWasDoneIsNamed) {
  run_grid(grid_, options_);
  dir_.write("out/a/seed1/done.json", "{");
  EXPECT_THAT(run_grid(grid_, options_)[0].problem, HasSubstr("done.json: does not say"));
}

}  // namespace
}  // namespace aface
