#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ConfigCommand, PrintsDocumentedDefaultsThatItReadsBack) {
  const auto printed = test::run_adaptiveface({"config"});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_THAT(printed.out, AllOf(HasSubstr("[head]\n# the margin softmax"), HasSubstr("\nlogit_scale = ")));
  const test::TempDir dir;
  const auto again = test::run_adaptiveface({"config", "--config", dir.write("all.toml", printed.out)});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, printed.out);
}

TEST(ConfigCommand, ResolvesFilesThenSettings) {
  const test::TempDir dir;
  const auto a = dir.write("a.toml", "[train]\nsteps = 1\nseed = 5\n");
  const auto b = dir.write("b.toml", "[train]\nsteps = 2\n");
  const auto result = test::run_adaptiveface(
      {"config", "--config", a, "--config", b, "--set", "head.kind=cosface", "--set", "head.margin=0.25"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("\nsteps = 2\n"), HasSubstr("\nseed = 5\n"),
                                HasSubstr("\nkind = \"cosface\"\n"), HasSubstr("\nmargin = 0.25\n")));
}

TEST(ConfigCommand, WrongRecipesAreNamedWithPlaceAndMend) {
  const test::TempDir dir;
  const auto expect = [&](const std::string& text, const std::string& part) {
    test::expect_failure({"config", "--config", dir.write("run.toml", text)}, 2, part);
  };
  expect("[head]\nmargn_init = 0.3\n",
         "run.toml:2:1: unknown option 'margn_init' in [head]; did you mean 'margin_init'?");
  expect("[head]\nlogit_scale = \"32\"\n",
         "run.toml:2:15: head.logit_scale must be a number, got the text '32'");
  expect("[optimizer]\nlearning_rate = -0.1\n",
         "run.toml:2:17: optimizer.learning_rate must be 0 to 1000, got -0.1");
  expect("[optimiser]\nlearning_rate = 0.1\n", "did you mean 'optimizer'?");
  expect("[head\n", "run.toml:1:");
}

TEST(ConfigCommand, WrongSettingsAreNamed) {
  test::expect_failure({"config", "--set", "train.stps=3"}, 2, "did you mean 'steps'?");
  test::expect_failure({"config", "--set", "train.steps"}, 2, "table.key=value");
  test::expect_failure({"config", "--config", "/nowhere/run.toml"}, 3, "/nowhere/run.toml");
}

TEST(ConfigCommand, CheckRefusesOptionsThatDoNotGoTogether) {
  const std::vector<std::string> base = {"config", "--check", "--set", "data.source=synthetic"};
  EXPECT_EQ(test::run_adaptiveface(base).exit_code, 0);
  auto wrong = base;
  wrong.insert(wrong.end(), {"--set", "head.margin_min=0.9"});
  test::expect_failure(wrong, 2, "margin_min <= margin_init <= margin_max must hold");
}

TEST(ConfigCommand, ReferenceListsOptions) {
  const auto result = test::run_adaptiveface({"config", "--reference"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("# Configuration\n"), HasSubstr("| `margin_init` | number | `0.35` |")));
}

}  // namespace
}  // namespace aface
