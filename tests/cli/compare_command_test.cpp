#include "aface/core/file.h"
#include "aface/eval/evaluation_json.h"
#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A result file whose accuracy is the same at every draw.
std::string evaluation(const test::TempDir& dir, const std::string& name, float accuracy,
                       const std::string& protocol = "pairs", std::uint64_t seed = 1) {
  BootstrapOptions options;
  options.replicates = 20;
  options.seed = seed;
  Figure figure;
  figure.name = "accuracy";
  figure.value = accuracy;
  figure.replicates.assign(20, accuracy);
  Json json;
  json["protocol"] = protocol;
  add_figures(json, {figure}, options, names_digest({"Ada", "Bo"}));
  return dir.write(name, json_text(json));
}

TEST(EvaluateCompare, PrintsATableAndWritesTheSameAsJson) {
  const test::TempDir dir;
  const std::string a = evaluation(dir, "a.json", 0.5f), b = evaluation(dir, "b.json", 0.75f);
  const auto result = test::run_adaptiveface({"evaluate", "compare", a, b, "--json", dir.file("d.json")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("A: " + a + "\n"), HasSubstr("2 people, 20 draws"),
                                HasSubstr("50.00     75.00    +25.00"), HasSubstr("B is better")));
  const Json json = Json::parse(read_text_file(dir.file("d.json")));
  EXPECT_EQ(json["differences"]["accuracy"]["difference"], 0.25);
  EXPECT_EQ(json["differences"]["accuracy"]["verdict"], "B is better");
  EXPECT_THAT(test::run_adaptiveface({"evaluate", "compare", a, a}).out, HasSubstr("no difference shown"));
}

TEST(EvaluateCompare, HelpSaysWhatAnIntervalThatHoldsZeroMeans) {
  const auto result = test::run_adaptiveface({"evaluate", "compare", "--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("--json"), HasSubstr("No difference shown")));
}

TEST(EvaluateCompare, WrongUseIsNamed) {
  const test::TempDir dir;
  const std::string a = evaluation(dir, "a.json", 0.5f);
  const auto expect = [&](const std::string& b, const std::string& part) {
    test::expect_failure({"evaluate", "compare", a, b, "--json", dir.file("d.json")}, 3, part);
    EXPECT_FALSE(file_exists(dir.file("d.json")));
  };
  expect(evaluation(dir, "b.json", 0.5f, "blufr"), "protocols 'pairs' and 'blufr'");
  expect(evaluation(dir, "b.json", 0.5f, "pairs", 2), "--seed of the other");
  expect(dir.file("absent.json"), "absent.json");
  expect(dir.write("c.json", "{"), "c.json: not JSON");
  expect(dir.path(), dir.path());
  test::expect_failure({"evaluate", "compare", a}, 2, "B is required");
  test::expect_failure({"evaluate", "compare"}, 2, "A is required");
}

}  // namespace
}  // namespace aface
