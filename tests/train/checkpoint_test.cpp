#include "aface/train/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "aface/core/file.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

NamedArrays state_with(float value) {
  NamedArrays state;
  state.put<float>("x", {value, 2, 3});
  return state;
}

KeepRule keep(std::int64_t newest, std::int64_t best = 0) {
  KeepRule rule;
  rule.newest = newest;
  rule.best = best;
  return rule;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

TEST(CheckpointFolder, KeepsTheNewestAndReadsThemBack) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), keep(2));
  EXPECT_FALSE(checkpoints.newest().has_value());
  for (int step : {5, 10, 15}) checkpoints.write(step, state_with(static_cast<float>(step)), {{5, 0.5}});
  EXPECT_EQ(names_in(checkpoints.path()), (Names{"step_00000010", "step_00000015"}));
  const auto newest = checkpoints.newest();
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->step, 15);
  EXPECT_EQ(newest->state.get<float>("x")[0], 15.0f);
  ASSERT_EQ(newest->scores.size(), 1U);
  EXPECT_EQ(newest->scores[0].step, 5);
  EXPECT_EQ(newest->scores[0].score, 0.5);
}

TEST(CheckpointFolder, KeepsTheBestOfTheValidatedStepsBesides) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), keep(1, 2));
  std::vector<ScoredStep> scores;
  const auto write = [&](std::int64_t step, double score) {
    scores.push_back({step, score});
    checkpoints.write(step, state_with(1), scores);
  };
  write(1, 0.7);
  write(2, 0.9);
  write(3, 0.8);
  EXPECT_EQ(names_in(checkpoints.path()), (Names{"step_00000002", "step_00000003"}));
  checkpoints.write(4, state_with(1), scores);  // not validated
  EXPECT_EQ(names_in(checkpoints.path()), (Names{"step_00000002", "step_00000003", "step_00000004"}));
  write(5, 0.9);  // as good as step 2, which was there first
  write(6, 0.1);
  EXPECT_EQ(names_in(checkpoints.path()), (Names{"step_00000002", "step_00000005", "step_00000006"}));
  EXPECT_EQ(best_of(scores)->step, 2);
  EXPECT_FALSE(best_of({}).has_value());
}

// Empty, cut at any place, or with one bit flipped anywhere, the names in the header included.
TEST(CheckpointFolder, TakesTheOneBeforeHoweverTheNewestIsDamaged) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), keep(3));
  checkpoints.write(5, state_with(5), {});
  const std::string path = checkpoints.write(10, state_with(10), {{10, 0.5}});
  const std::string good = read_text_file(path);
  const auto expect_step = [&](std::int64_t step) {
    const auto newest = checkpoints.newest();
    ASSERT_TRUE(newest.has_value());
    EXPECT_EQ(newest->step, step);
  };
  expect_step(10);
  std::vector<std::string> damaged = {"", good + "x", "not a checkpoint"};
  for (std::size_t place = 1; place < good.size(); place += 13) damaged.push_back(good.substr(0, place));
  for (std::size_t place = 0; place < good.size(); place += 3) {
    damaged.push_back(good);
    damaged.back()[place] = static_cast<char>(good[place] ^ (1 << place % 8));
  }
  for (const std::string& content : damaged) {
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << content;
    testing::internal::CaptureStderr();
    expect_step(5);
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                testing::AllOf(testing::HasSubstr(path), testing::HasSubstr("step_00000005")));
  }
}

TEST(CheckpointFolder, ADamagedLaterOneDoesNotPushOutGoodOnes) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), keep(1));
  const std::string later = checkpoints.write(10, state_with(10), {});
  std::filesystem::resize_file(later, 20);
  checkpoints.write(6, state_with(6), {});
  checkpoints.write(8, state_with(8), {});
  EXPECT_EQ(names_in(checkpoints.path()), (Names{"step_00000008", "step_00000010"}));
  EXPECT_EQ(checkpoints.newest()->step, 8);
  checkpoints.write(10, state_with(10), {});
  EXPECT_EQ(names_in(checkpoints.path()), (Names{"step_00000010"}));
  EXPECT_EQ(checkpoints.newest()->step, 10);
}

TEST(CheckpointFolder, RemovesWhatAKilledProcessDidNotComeTo) {
  const test::TempDir dir;
  const CheckpointFolder all(dir.path(), keep(9)), checkpoints(dir.path(), keep(2));
  for (int step : {1, 2, 3, 4, 5}) all.write(step, state_with(1), {});
  checkpoints.remove_superfluous(4, {});
  EXPECT_EQ(names_in(checkpoints.path()), (Names{"step_00000003", "step_00000004", "step_00000005"}));
}

TEST(CheckpointFolder, FailsWhenNoCheckpointIsReadable) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), keep(3));
  const std::string only = checkpoints.write(5, state_with(5), {});
  std::ofstream(only, std::ios::trunc) << "not a checkpoint";
  EXPECT_THROW(checkpoints.newest(), Error);
}

TEST(CheckpointFolder, AWriteThatFailsLeavesTheOthersAlone) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), keep(1));
  checkpoints.write(5, state_with(5), {});
  NamedArrays unreadable = state_with(6);
  unreadable.arrays["far"] = {DataType::kUint8, {4}, ArrayBytes::stored(4, [](std::size_t, std::size_t, unsigned char*) {
                                throw Error(ErrorKind::kIo, "gone");
                              })};
  EXPECT_THROW(checkpoints.write(6, unreadable, {}), Error);
  EXPECT_EQ(names_in(checkpoints.path()), (Names{"step_00000005"}));
  EXPECT_EQ(checkpoints.newest()->step, 5);
}

TEST(CheckpointFolder, IgnoresFilesThatAreNotCheckpoints) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), keep(3));
  checkpoints.write(5, state_with(5), {});
  for (const char* name : {"step_00000009.safetensors.tmp-1", "notes.txt", "step_7.safetensors", "step_.safetensors",
                           "step_99999999999999999999.safetensors"}) {
    std::ofstream(checkpoints.path() + "/" + name) << "half";
  }
  EXPECT_EQ(checkpoints.newest()->step, 5);
}

}  // namespace
}  // namespace aface
