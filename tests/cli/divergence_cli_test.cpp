// Runs whose numbers overflow: they go back and go on, or end with the reason, and the step can be done again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;

// Weight decay at this rate turns every weight into -8 times itself; at a tenth of it nothing grows.
RunResult train_wildly(const std::string& run_dir, const std::vector<std::string>& more,
                       const std::vector<std::string>& flags = {}) {
  std::vector<std::string> arguments = {"train",     "--config", std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml",
                                        "--run-dir", run_dir,    "--threads", "1"};
  std::vector<std::string> set = {"optimizer.learning_rate=10", "optimizer.weight_decay=1", "optimizer.schedule=constant",
                                  "optimizer.warmup_steps=0"};
  set.insert(set.end(), more.begin(), more.end());
  for (const std::string& option : set) arguments.insert(arguments.end(), {"--set", option});
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return run_adaptiveface(arguments);
}

TEST(DivergenceCli, GoesBackAndFinishesAtALowerRate) {
  const TempDir dir;
  const std::string run = dir.file("run");
  const RunResult result = train_wildly(run, {"train.rollback_rate=0.1", "train.checkpoint_every=0"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("going back to the last good state"));
  EXPECT_TRUE(std::filesystem::exists(run + "/model.safetensors"));

  const auto step = nlohmann::json::parse(read_text_file(run + "/bad_step/step.json"));
  EXPECT_GT(step["step"], 0);
  EXPECT_EQ(step["photos"].size(), 32u);
  for (const auto& photo : step["photos"]) EXPECT_TRUE(std::filesystem::exists(photo["photo"].get<std::string>())) << photo;
  EXPECT_THAT(step["message"].get<std::string>(), HasSubstr(step["first_bad_tensor"].get<std::string>()));

  const RunResult again = run_adaptiveface({"replay", run + "/bad_step/"});
  EXPECT_FALSE(std::filesystem::exists(run + "/bad_step/faces"));
  EXPECT_EQ(again.exit_code, 0) << again.out << again.err;
  EXPECT_THAT(again.out, HasSubstr(step["message"].get<std::string>()));

  std::filesystem::resize_file(run + "/bad_step/state.safetensors", 5000);
  expect_failure({"replay", run + "/bad_step"}, 3, "bad_step/state.safetensors");

  // The log is that of the steps that count: each once, in order.
  std::int64_t before = 0;
  std::istringstream lines(read_text_file(run + "/metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const std::int64_t at = nlohmann::json::parse(line)["step"];
    EXPECT_GE(at, before);
    before = at;
  }
  EXPECT_EQ(before, 80);
}

TEST(DivergenceCli, EndsWithTheReasonWhenNoRateHelps) {
  const TempDir dir;
  const std::string run = dir.file("run");
  const RunResult result = train_wildly(run, {"train.rollback_rate=0.9", "train.max_rollbacks=2", "train.checkpoint_every=0"});
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_THAT(result.err, HasSubstr("given up after going back 2 times"));
  EXPECT_FALSE(std::filesystem::exists(run + "/model.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(run + "/bad_step/state.safetensors"));
}

// The variances overflow long before the weights do, and training makes no use of them.
TEST(DivergenceCli, KeepsNoCheckpointThatCouldNotBeUsed) {
  const TempDir dir;
  const std::string run = dir.file("run");
  const RunResult result = train_wildly(run, {"train.max_rollbacks=0", "train.checkpoint_every=3"});
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_THAT(result.err, HasSubstr("running_var is not finite"));
  EXPECT_TRUE(std::filesystem::exists(run + "/checkpoints"));
  EXPECT_EQ(train_wildly(run, {"train.max_rollbacks=0", "train.checkpoint_every=3"}, {"--resume"}).exit_code, 4);
}

TEST(DivergenceCli, ReplayNamesWhatItMisses) {
  const TempDir dir;
  expect_failure({"replay", dir.file("nowhere")}, 3, "nowhere/step.json");
  dir.write("bad/step.json", "{}");
  expect_failure({"replay", dir.file("bad")}, 3, "bad/step.json: not what a training writes there");
}

}  // namespace
}  // namespace aface::test
