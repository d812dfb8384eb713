#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<std::string> tiny_set(const std::string& out, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {
      "synth",   out,  "--identities",         "4", "--images",         "12",
      "--size",  "32", "--heldout-identities", "3", "--heldout-images", "5",
      "--pairs", "40"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(SynthCommand, DrawsASetWithAMontageAndReusesIt) {
  const test::TempDir folder;
  const std::string out = folder.file("faces"), montage = folder.file("montage.png");
  const auto drawn = test::run_adaptiveface(tiny_set(out, {"--montage", montage}));
  EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_THAT(drawn.out,
              AllOf(HasSubstr("12 photos of 4 identities"), HasSubstr("40 pairs"), HasSubstr("truth.tsv")));
  EXPECT_TRUE(std::filesystem::exists(out + "/heldout/pairs.txt"));
  EXPECT_TRUE(std::filesystem::exists(montage));

  const auto again = test::run_adaptiveface(tiny_set(out, {"--reuse"}));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("there already"));
  test::expect_failure(tiny_set(out), 2, "exists");
}

TEST(SynthCommand, ImpossibleRequestsAreUsageErrors) {
  const test::TempDir folder;
  const std::string out = folder.file("faces");
  test::expect_failure(tiny_set(out, {"--min-images", "4"}), 2, "min_images");
  test::expect_failure({"synth", out, "--pairs", "100000"}, 2, "lower pairs");
  test::expect_failure({"synth", out, "--hardness", "2"}, 2, "hardness");
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(SynthCommand, ASignalLeavesNothingBehind) {
  const test::TempDir folder;
  test::RunOptions options;
  options.signal = SIGTERM;
  options.signal_after = "1000 of 10000";
  const auto result =
      test::run_adaptiveface({"synth", folder.file("faces"), "--images", "10000", "--size", "16"}, options);
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace aface
