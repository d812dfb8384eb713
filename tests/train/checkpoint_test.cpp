#include "aface/train/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace aface {
namespace {

NamedArrays state_with(float value) {
  NamedArrays state;
  state.put<float>("x", {value});
  return state;
}

TEST(CheckpointFolder, KeepsTheNewestAndReadsThemBack) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), 2);
  EXPECT_FALSE(checkpoints.newest().has_value());
  for (int step : {5, 10, 15}) checkpoints.write(step, state_with(static_cast<float>(step)));
  EXPECT_FALSE(std::filesystem::exists(dir.path() + "/checkpoints/step_00000005.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(dir.path() + "/checkpoints/step_00000010.safetensors"));
  const auto newest = checkpoints.newest();
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->step, 15);
  EXPECT_EQ(newest->state.get_scalar<float>("x"), 15.0f);
}

TEST(CheckpointFolder, TakesTheOneBeforeWhenTheNewestIsDamaged) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), 3);
  checkpoints.write(5, state_with(5));
  const std::string damaged = checkpoints.write(10, state_with(10));
  std::filesystem::resize_file(damaged, std::filesystem::file_size(damaged) - 1);
  const auto newest = checkpoints.newest();
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->step, 5);
}

TEST(CheckpointFolder, FailsWhenNoCheckpointIsReadable) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), 3);
  const std::string only = checkpoints.write(5, state_with(5));
  std::ofstream(only, std::ios::trunc) << "not a checkpoint";
  EXPECT_THROW(checkpoints.newest(), Error);
}

TEST(CheckpointFolder, IgnoresFilesThatAreNotCheckpoints) {
  const test::TempDir dir;
  const CheckpointFolder checkpoints(dir.path(), 3);
  checkpoints.write(5, state_with(5));
  std::ofstream(dir.path() + "/checkpoints/step_00000009.safetensors.tmp-1") << "half";
  std::ofstream(dir.path() + "/checkpoints/notes.txt") << "mine";
  EXPECT_EQ(checkpoints.newest()->step, 5);
}

}  // namespace
}  // namespace aface
