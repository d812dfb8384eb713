#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "aface/core/available_memory.h"
#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kTiny = std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml";

nlohmann::json read_json(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

TEST(PlanCommand, CountsAndNothingLeftBehind) {
  const test::TempDir dir;
  test::RunOptions there;
  there.folder = dir.path();
  const auto result = test::run_adaptiveface({"plan", "--config", kTiny, "--json", "plan.json"}, there);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("240 images of 24 identities"),
                                HasSubstr("80 steps of 32, 7.5 batches an epoch, "
                                          "10.7 epochs"),
                                HasSubstr("images/s")));
  const nlohmann::json plan = read_json(dir.file("plan.json"));
  // 24 prototypes of 64 values with momentum, and a step number each.
  EXPECT_EQ(plan["memory_bytes"]["head"], 24 * (2 * 64 * 4 + 8));
  EXPECT_GT(plan["measured"]["hours"], 0);
  EXPECT_TRUE(plan["warnings"].empty()) << plan["warnings"];
  std::filesystem::remove(dir.file("plan.json"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(PlanCommand, WarnsOfWhatWillGoWrong) {
  const test::TempDir dir;
  const auto lonely = test::run_adaptiveface({"plan", "--config", kTiny, "--set", "synth.images=30", "--set",
                                              "synth.min_images=1", "--set", "synth.label_noise=0", "--set",
                                              "synth.identities=28"});
  ASSERT_EQ(lonely.exit_code, 0) << lonely.err;
  EXPECT_THAT(lonely.out, AllOf(HasSubstr("of 28 identities have one image"),
                                HasSubstr("a batch of 32 is larger than the data, 30 images")));
}

TEST(PlanCommand, SaysThatTheHeadWillNotFitAndDoesNotTry) {
  if (available_memory() > std::uint64_t{60'000'000'000})
    GTEST_SKIP() << "so much memory is free that it might fit";
  const auto huge = test::run_adaptiveface(
      {"plan", "--config", kTiny, "--set", "data.source=drawn", "--set", "synth.identities=2000000", "--set",
       "synth.images=8000000", "--set", "backbone.embedding_dim=4096", "--set", "synth.zipf_exponent=0"});
  EXPECT_EQ(huge.exit_code, 0) << huge.err;
  EXPECT_THAT(huge.out, AllOf(HasSubstr("the head will not fit"), HasSubstr("not tried")));
}

// Memory that a run takes, against what was planned: within a tenth.
TEST(PlanCommand, PlannedMemoryIsWhatARunTakes) {
  const std::vector<std::vector<std::string>> recipes = {
      {"--config", kTiny},
      {"--config", kTiny, "--set", "backbone.kind=small_resnet", "--set", "backbone.width=24", "--set",
       "backbone.input_size=64", "--set", "train.batch_size=64", "--set", "mining.kind=all", "--set",
       "train.steps=24"}};
  for (const auto& recipe : recipes) {
    const test::TempDir dir;
    std::vector<std::string> plan = {"plan", "--json", dir.file("plan.json")};
    std::vector<std::string> train = {"train", "--run-dir", dir.file("run")};
    plan.insert(plan.end(), recipe.begin(), recipe.end());
    train.insert(train.end(), recipe.begin(), recipe.end());
    const auto planned = test::run_adaptiveface(plan);
    ASSERT_EQ(planned.exit_code, 0) << planned.err;
    const auto trained = test::run_adaptiveface(train);
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    const double expected = read_json(dir.file("plan.json"))["memory_bytes"]["peak"];
    const double taken = read_json(dir.file("run/summary.json"))["this_session"]["peak_memory_bytes"];
    EXPECT_NEAR(expected / taken, 1, 0.1) << expected << " planned, " << taken << " taken";
  }
}

}  // namespace
}  // namespace aface
