#include "aface/eval/comparison.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "aface/core/file.h"
#include "aface/core/random.h"
#include "aface/eval/evaluation_json.h"
#include "aface/eval/pair_figures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const float kNan = std::numeric_limits<float>::quiet_NaN();

Figure figure(const std::string& name, double value, std::vector<float> replicates) {
  Figure result;
  result.name = name;
  result.value = value;
  result.replicates = std::move(replicates);
  return result;
}

EvaluationFile evaluation(std::vector<Figure> figures) {
  EvaluationFile file;
  file.path = "x.json";
  file.protocol = "pairs";
  file.people = "3-0123456789abcdef";
  file.seed = 1;
  file.replicates = 4;
  file.figures = std::move(figures);
  return file;
}

TEST(CompareEvaluations, TakesTheDifferenceDrawByDraw) {
  const auto a = evaluation({figure("rank1", 0.5, {0.25f, 0.5f, 0.75f, kNan})});
  const auto b = evaluation({figure("rank1", 0.75, {0.5f, 0.75f, 0.5f, 0.25f})});
  const FigureDifference row = compare_evaluations(a, b).differences.at(0);
  EXPECT_EQ(row.difference, 0.25);
  // Differences 0.25, 0.25, -0.25: the percentiles lie on the lines between them.
  EXPECT_NEAR(row.interval.low, -0.25 + 0.05 * 0.5, 1e-12);
  EXPECT_NEAR(row.interval.high, 0.25, 1e-12);
  EXPECT_NEAR(row.b_better, 2.0 / 3, 1e-12);
  EXPECT_NEAR(row.a_better, 1.0 / 3, 1e-12);
  EXPECT_EQ(verdict(row), "no difference shown");
}

TEST(CompareEvaluations, VerdictsKnowWhatIsBetter) {
  const auto verdict_of = [](const std::string& name, float shift) {
    const auto a = evaluation({figure(name, 0.5, {0.5f, 0.5f, 0.5f, 0.5f})});
    const auto b = evaluation({figure(name, 0.5 + shift, std::vector<float>(4, 0.5f + shift))});
    const auto rows = compare_evaluations(a, b).differences;
    return verdict(rows.at(0)) + fmt::format(", {:g}/{:g}", rows[0].a_better, rows[0].b_better);
  };
  EXPECT_EQ(verdict_of("accuracy", 0.25f), "B is better, 0/1");
  EXPECT_EQ(verdict_of("accuracy", -0.25f), "A is better, 1/0");
  EXPECT_EQ(verdict_of("accuracy", 0), "no difference shown, 0/0");
  EXPECT_EQ(verdict_of("eer", 0.25f), "A is better, 1/0");
  EXPECT_EQ(verdict_of("eer", -0.25f), "B is better, 0/1");
  EXPECT_EQ(verdict_of("threshold_at_far/0.1", 0.25f), "B is higher, 0/1");
  EXPECT_EQ(verdict_of("threshold_at_far/0.1", -0.25f), "B is lower, 1/0");
}

TEST(CompareEvaluations, TooFewDrawsGiveNoInterval) {
  const auto a = evaluation({figure("rank1", 0.5, {0.25f, kNan, 0.75f, kNan})});
  const auto b = evaluation({figure("rank1", 0.75, {kNan, 0.75f, 0.5f, 0.25f})});
  const Comparison comparison = compare_evaluations(a, b);
  EXPECT_EQ(verdict(comparison.differences[0]), "no interval");
  EXPECT_THAT(to_table(comparison), HasSubstr("no interval"));
  EXPECT_FALSE(Json::parse(to_json(comparison))["differences"]["rank1"].contains("low"));
}

TEST(CompareEvaluations, FiguresOfOneFileOnlyAreListed) {
  Figure unmeasurable;
  unmeasurable.name = "tar";
  unmeasurable.unmeasurable = "needs more";
  const std::vector<float> draws(4, 0.5f);
  const auto a = evaluation({figure("rank1", 1, draws), figure("rank5", 1, draws), figure("tar", 1, draws),
                             figure("plain", 1, {})});
  const auto b = evaluation(
      {unmeasurable, figure("rank9", 1, draws), figure("rank1", 1, draws), figure("plain", 1, {})});
  const Comparison comparison = compare_evaluations(a, b);
  EXPECT_EQ(comparison.differences.size(), 1u);
  using Row = std::pair<std::string, std::string>;
  EXPECT_THAT(
      comparison.not_compared,
      ::testing::ElementsAre(Row("rank5", "only in A"), Row("tar", "B: needs more"),
                             Row("plain", "has no values under the draws"), Row("rank9", "only in B")));
  EXPECT_THAT(to_table(comparison), HasSubstr("not compared: tar (B: needs more)\n"));
}

TEST(CompareEvaluations, RefusesOtherDrawsAndTellsTheMend) {
  const auto base = evaluation({figure("rank1", 0.5, {0.25f, 0.5f, 0.75f, 1})});
  const auto message = [&](const std::function<void(EvaluationFile&)>& change) {
    EvaluationFile other = base;
    other.path = "y.json";
    change(other);
    return test::error_of(ErrorKind::kData, [&] { compare_evaluations(base, other); });
  };
  EXPECT_THAT(
      message([](EvaluationFile& file) { file.protocol = "blufr"; }),
      AllOf(HasSubstr("x.json and y.json: protocols 'pairs' and 'blufr'"), HasSubstr("evaluate both")));
  EXPECT_THAT(message([](EvaluationFile& file) {
                file.sources = {{"convention", "facexzoo"}};
              }),
              AllOf(HasSubstr("conventions '' and 'facexzoo'"), HasSubstr("--convention")));
  EXPECT_THAT(message([](EvaluationFile& file) { file.people = "4-0123456789abcdef"; }),
              AllOf(HasSubstr("different people (3 and 4)"), HasSubstr("on the same lists")));
  EXPECT_THAT(message([](EvaluationFile& file) { file.people = "3-0123456789abcdee"; }),
              HasSubstr("3 in both, but others or in another order"));
  EXPECT_THAT(message([](EvaluationFile& file) { file.seed = 7; }),
              AllOf(HasSubstr("seeds 1 and 7"), HasSubstr("--seed")));
  EXPECT_THAT(message([](EvaluationFile& file) { file.replicates = 9; }),
              AllOf(HasSubstr("4 and 9 draws"), HasSubstr("--bootstrap")));
  EXPECT_THAT(message([](EvaluationFile& file) { file.figures[0].name = "rank2"; }),
              HasSubstr("nothing to compare (rank1: only in A)"));
  EvaluationFile none = base;
  none.replicates = 0;
  EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { compare_evaluations(none, none); }),
              HasSubstr("without --bootstrap 0"));
}

// Two recognisers that see the same hard people. Scores of a person differ by a large effect common to both;
// B is a little better. By itself each interval is wide; the paired one shows the difference.
TEST(CompareEvaluations, RefusesOtherTestSetsOfTheSamePeople) {
  auto a = evaluation({figure("rank1", 0.5, {0.5f, 0.5f, 0.5f, 0.5f})}), b = a;
  a.sources = {{"test_set", "12-0123456789abcdef"}};
  b.sources = a.sources;
  EXPECT_NO_THROW(compare_evaluations(a, b));
  b.sources = {{"test_set", "12-0123456789abcdee"}};
  EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { compare_evaluations(a, b); }),
              HasSubstr("different test sets"));
}

TEST(CompareEvaluations, PairingShowsWhatTwoIntervalsHide) {
  Random random(8);
  std::vector<float> scores_a, scores_b;
  std::vector<std::uint8_t> same;
  std::vector<std::uint32_t> first, second;
  const auto add = [&](double a, double b, std::uint32_t p, std::uint32_t q) {
    scores_a.push_back(static_cast<float>(a));
    scores_b.push_back(static_cast<float>(b));
    same.push_back(p == q);
    first.push_back(p);
    second.push_back(q);
  };
  for (std::uint32_t p = 0; p < 80; ++p) {
    const double effect = random.normal();
    for (int i = 0; i < 8; ++i) {
      const double genuine = 1.5 + effect + 0.3 * random.normal();
      add(genuine, genuine + 0.4, p, p);
    }
    for (std::uint32_t q = 0; q < p; ++q) {
      const double impostor = 0.5 * random.normal();
      add(impostor, impostor, p, q);
    }
  }
  BootstrapOptions options;
  options.replicates = 300;
  const auto measure = [&](const std::vector<float>& scores) {
    EvaluationFile file = evaluation(pair_figures({scores, same, first, second, 80}, {0.01}, options));
    file.replicates = 300;
    return file;
  };
  const EvaluationFile a = measure(scores_a), b = measure(scores_b);
  EXPECT_GT(interval_of(a.figures[1]).high, interval_of(b.figures[1]).low);  // they overlap
  const FigureDifference row = compare_evaluations(a, b).differences.at(1);
  EXPECT_EQ(row.name, "tar_at_far/0.01");
  EXPECT_GT(row.interval.low, 0.02);
  EXPECT_EQ(verdict(row), "B is better");
  EXPECT_GT(row.b_better, 0.99);
}

TEST(ReadEvaluation, ReadsWhatAddFiguresWrites) {
  const test::TempDir dir;
  BootstrapOptions options;
  options.replicates = 3;
  options.seed = 0xfffffffffffffff0ULL;
  Figure unmeasurable;
  unmeasurable.name = "tar_at_far/1e-06";
  unmeasurable.unmeasurable = "needs 1,000,000 impostor pairs, has 3,000";
  Json json;
  json["protocol"] = "pairs";
  json["model"] = "m.safetensors";
  json["pairs"] = 6000;
  add_figures(json, {figure("accuracy", 0.1 + 0.2, {0.3f, kNan, 0.1f}), unmeasurable, figure("rank1", 1, {})},
              options, "3-0123456789abcdef");
  const std::string path = dir.write("e.json", json_text(json));
  const EvaluationFile file = read_evaluation(path);
  EXPECT_EQ(file.path, path);
  EXPECT_EQ(file.protocol, "pairs");
  EXPECT_THAT(file.sources,
              ::testing::ElementsAre(std::pair<std::string, std::string>("model", "m.safetensors")));
  EXPECT_EQ(file.people, "3-0123456789abcdef");
  EXPECT_EQ(file.seed, options.seed);
  EXPECT_EQ(file.replicates, 3);
  ASSERT_EQ(file.figures.size(), 3u);
  EXPECT_EQ(file.figures[0].value, 0.1 + 0.2);
  EXPECT_EQ(file.figures[0].replicates[0], 0.3f);
  EXPECT_TRUE(std::isnan(file.figures[0].replicates[1]));
  EXPECT_EQ(file.figures[1].unmeasurable, unmeasurable.unmeasurable);
  EXPECT_TRUE(file.figures[2].replicates.empty());
}

TEST(ReadEvaluation, ForeignFilesAreNamedWithWhatIsWrong) {
  const test::TempDir dir;
  const std::string good =
      R"({"protocol": "pairs", "figures": {"f": {"value": 1}}, "bootstrap": {"replicates": 1, "seed": 1, "people": "1-0", "draws": {"f": [1]}}})";
  EXPECT_EQ(read_evaluation(dir.write("e.json", good)).figures.size(), 1u);
  const auto message = [&](const std::string& text) {
    const std::string path = dir.write("e.json", text);
    const std::string what = test::error_of(ErrorKind::kFormat, [&] { read_evaluation(path); });
    EXPECT_THAT(what, AllOf(HasSubstr(path + ": "), HasSubstr("`adaptiveface evaluate ... --json` wrote")));
    return what;
  };
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    return message(text.replace(text.find(from), from.size(), to));
  };
  EXPECT_THAT(message(""), HasSubstr("not JSON"));
  EXPECT_THAT(message("accuracy\n0.9\n"), HasSubstr("not JSON"));
  EXPECT_THAT(message("[1, 2]"), HasSubstr("holds array (expected an object)"));
  EXPECT_THAT(message("{}"), HasSubstr("no 'protocol'"));
  EXPECT_THAT(message(R"({"protocol": 7})"), HasSubstr("'protocol' is number (expected string)"));
  EXPECT_THAT(message(R"({"protocol": "pairs"})"), HasSubstr("no 'figures'"));
  EXPECT_THAT(changed("{\"f\": {\"value\": 1}}", "[]"), HasSubstr("'figures' is array (expected object)"));
  EXPECT_THAT(changed("{\"value\": 1}", "1"), HasSubstr("'figures', 'f' is no object"));
  EXPECT_THAT(changed("{\"value\": 1}", "{}"), HasSubstr("no 'figures', 'f', 'value'"));
  EXPECT_THAT(changed("{\"value\": 1}", "{\"value\": \"1\"}"),
              HasSubstr("'value' is string (expected number)"));
  EXPECT_THAT(changed("\"seed\": 1", "\"seed\": -1"), HasSubstr("'bootstrap', 'seed'"));
  EXPECT_THAT(changed("\"replicates\": 1", "\"replicates\": 1.5"), HasSubstr("'bootstrap', 'replicates'"));
  EXPECT_THAT(changed("\"people\": \"1-0\", ", ""), HasSubstr("no 'bootstrap', 'people'"));
  EXPECT_THAT(changed("[1]", "[1, 2]"), HasSubstr("'draws', 'f' has 2 values (expected 1"));
  EXPECT_THAT(changed("[1]", "[\"1\"]"), HasSubstr("something else than numbers"));
  EXPECT_THAT(changed("[1]", "1"), HasSubstr("'draws', 'f' is no list"));
  EXPECT_THAT(changed("[1]", "[1e999]"), HasSubstr("not JSON"));
  for (std::size_t size = 0; size < good.size(); ++size) message(good.substr(0, size));
  test::error_of(ErrorKind::kIo, [&] { read_evaluation(dir.file("absent.json")); });
}

TEST(ComparisonText, ShowsWhatDiffers) {
  auto a = evaluation({figure("accuracy", 0.859, {0.859f, 0.85f, 0.86f, 0.87f}),
                       figure("threshold_at_far/0.001", 0.25, {0.25f, 0.25f, 0.25f, 0.25f})});
  auto b = evaluation({figure("accuracy", 0.855, {0.855f, 0.852f, 0.854f, 0.86f}),
                       figure("threshold_at_far/0.001", 0.5, {0.5f, 0.5f, 0.5f, 0.5f})});
  a.sources = {{"model", "a.safetensors"}, {"pair_list", "pairs.txt"}};
  b.sources = {{"model", "b.safetensors"}, {"pair_list", "pairs.txt"}};
  b.path = "y.json";
  const Comparison comparison = compare_evaluations(a, b);
  const std::string table = to_table(comparison);
  EXPECT_THAT(table, HasSubstr("A: x.json (model a.safetensors)\nB: y.json (model b.safetensors)\n"));
  EXPECT_THAT(table, HasSubstr("protocol pairs, 3 people, 4 draws of people (seed 1)\n"));
  EXPECT_THAT(table, HasSubstr("85.90     85.50     -0.40"));
  EXPECT_THAT(table, HasSubstr("25.0 %  no difference shown\n"));
  EXPECT_THAT(table, HasSubstr("0.2500    0.5000   +0.2500   [+0.2500, +0.2500]         -  B is higher\n"));

  const Json json = Json::parse(to_json(comparison));
  EXPECT_EQ(json["a"], "x.json");
  EXPECT_EQ(json["people"], "3-0123456789abcdef");
  const Json& row = json["differences"]["accuracy"];
  EXPECT_EQ(row["difference"].get<double>(), comparison.differences[0].difference);
  EXPECT_EQ(row["low"].get<double>(), comparison.differences[0].interval.low);
  EXPECT_EQ(row["high"].get<double>(), comparison.differences[0].interval.high);
  EXPECT_EQ(row["b_better"], 0.25);
  EXPECT_EQ(row["verdict"], "no difference shown");
  EXPECT_FALSE(json["differences"]["threshold_at_far/0.001"].contains("b_better"));
}

}  // namespace
}  // namespace aface
