// What a report reads: metrics, runs, evaluations; and what it says to files that are none of these.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "aface/report/evaluation_reader.h"
#include "aface/report/metrics_reader.h"
#include "aface/report/run_reader.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ReadMetrics, CollectsEachNumberOverTheSteps) {
  const test::TempDir dir;
  const std::string path = dir.write("metrics.jsonl",
                                     "{\"step\":10,\"time\":1.5,\"loss\":3,\"accuracy\":0.25}\n"
                                     "{\"step\":20,\"time\":2.5,\"loss\":null}\n"
                                     "{\"step\":20,\"time\":2.5,\"validation/accuracy\":0.5}\n");
  const RunMetrics metrics = read_metrics(path);
  EXPECT_EQ(metrics.last_step, 20);
  EXPECT_FALSE(metrics.is_cut_short);
  ASSERT_EQ(metrics.find("loss")->size(), 2u);
  EXPECT_EQ((*metrics.find("loss"))[0].x, 10);
  EXPECT_EQ((*metrics.find("loss"))[0].y, 3);
  EXPECT_TRUE(std::isnan(metrics.last("loss")));
  EXPECT_EQ(metrics.last("validation/accuracy"), 0.5);
  EXPECT_EQ(metrics.find("time"), nullptr);
  EXPECT_TRUE(std::isnan(metrics.last("absent")));
}

TEST(ReadMetrics, EveryCutOfTheLastLineLeavesTheLinesBeforeIt) {
  const test::TempDir dir;
  const std::string first = "{\"step\":1,\"loss\":3}\n", second = "{\"step\":2,\"loss\":2.5}";
  for (std::size_t cut = 0; cut < second.size(); ++cut) {
    const RunMetrics metrics = read_metrics(dir.write("metrics.jsonl", first + second.substr(0, cut)));
    EXPECT_EQ(metrics.last_step, 1) << cut;
    EXPECT_EQ(metrics.is_cut_short, cut > 0) << cut;
  }
  EXPECT_EQ(read_metrics(dir.write("metrics.jsonl", first + second)).last_step,
            2);  // only the line end is missing
}

TEST(ReadMetrics, AWrongLineInBetweenIsNamed) {
  const test::TempDir dir;
  const std::string path = dir.write("metrics.jsonl", "{\"step\":1}\nhello\n{\"step\":2}\n");
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { read_metrics(path); }),
              HasSubstr("metrics.jsonl:2: "));
  EXPECT_THAT(test::error_of(ErrorKind::kIo, [&] { read_metrics(dir.file("none")); }), HasSubstr("none"));
}

TEST(ReadRun, ReadsAllThatARunLeaves) {
  const test::TempDir dir;
  dir.write("run/metrics.jsonl", "{\"step\":1,\"loss\":3}\n");
  dir.write("run/config.toml",
            "[data]\nsource = \"list\"\nroot = \"/faces <1>\"\nlist = \"faces.tsv\"\n[head]\nmargin = 0.35\n"
            "[optimizer]\nmilestones = [0.5, 0.75]\n[from_the_future]\nx = true\n");
  dir.write("run/summary.json",
            "{\"seed\":1,\"command\":\"x\",\"data\":{\"images\":240},\"validation\":{\"folds\":[{\"a\":1}],"
            "\"tar_at_far\":{\"0.1\":0.75}}}");
  dir.write("run/margins.tsv", "identity\timages\tmargin\nAnn\t12\t0.25\n");
  dir.write("run/noise_suspects.tsv", "path\tidentity\tscore\ttimes_seen\na/1.jpg\ta\t0.1362\t7\n");
  const RunRecord run = read_run(dir.file("run"));
  EXPECT_EQ(run.option("head.margin"), "0.35");
  EXPECT_EQ(run.option("from_the_future.x"), "true");
  EXPECT_EQ(run.option("optimizer.milestones"), "[0.5, 0.75]");
  EXPECT_EQ(run.option("absent"), "");
  EXPECT_EQ(run.images_folder(), "/faces <1>");
  EXPECT_EQ(run.images_list(), "faces.tsv");
  EXPECT_TRUE(run.is_finished());
  EXPECT_EQ(run.summary.at("data/images"), 240);
  EXPECT_EQ(run.summary.at("validation/tar_at_far/0.1"), 0.75);
  ASSERT_EQ(run.margins.size(), 1u);
  EXPECT_EQ(run.margins[0].identity, "Ann");
  EXPECT_EQ(run.margins[0].images, 12);
  EXPECT_EQ(run.margins[0].margin, 0.25);
  ASSERT_EQ(run.suspects.size(), 1u);
  EXPECT_EQ(run.suspects[0].path, "a/1.jpg");
  EXPECT_THAT(run.suspects[0].facts, ElementsAre(std::pair<std::string, std::string>("score", "0.1362"),
                                                 std::pair<std::string, std::string>("times_seen", "7")));
}

TEST(ReadRun, ARunThatGoesOnHasNoResultsYet) {
  const test::TempDir dir;
  dir.write("run/metrics.jsonl", "");
  dir.write("run/config.toml", "[data]\nsource = \"synthetic\"\n");
  const RunRecord run = read_run(dir.file("run"));
  EXPECT_FALSE(run.is_finished());
  EXPECT_EQ(run.images_folder(), dir.file("run/faces/train/images"));
}

TEST(ReadRun, DamageIsNamedByFile) {
  const test::TempDir dir;
  dir.write("no/run.txt", "");
  EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { read_run(dir.file("no")); }),
              HasSubstr("no run directory"));
  dir.write("run/metrics.jsonl", "");
  const auto expect_refused = [&](const std::string& file, const std::string& content,
                                  const std::string& says) {
    dir.write("run/" + file, content);
    EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { read_run(dir.file("run")); }),
                ::testing::AllOf(HasSubstr(file), HasSubstr(says)));
    std::filesystem::remove(dir.file("run/" + file));
  };
  expect_refused("config.toml", "[data\nx", ":1");
  expect_refused("summary.json", "{", "summary");
  expect_refused("margins.tsv", "identity\tmargin\n", "'images'");
  expect_refused("margins.tsv", "identity\timages\tmargin\na\tmany\t0.1\n", "margins.tsv:2: 'many'");
  expect_refused("margins.tsv", "identity\timages\tmargin\na\t1\n", "margins.tsv:2: 2 fields");
  expect_refused("noise_suspects.tsv", "", "'path'");
}

TEST(ReadEvaluation, ReadsAllParts) {
  const test::TempDir dir;
  const EvaluationRecord evaluation = read_evaluation_record(dir.write("e.json", R"({
    "protocol": "pairs", "pairs": 6000, "images": "chips",
    "figures": {"accuracy": {"value": 0.8585, "low": 0.85, "high": 0.87}, "rank1": {"value": 0.5},
                "tar_at_far/1e-06": {"unmeasurable": "needs 1,000,000 impostor pairs, has 3,000"}},
    "bootstrap": {"replicates": 3, "draws": {"accuracy": [0.1, null, 0.3]}},
    "score_histogram": {"low": -1, "high": 1, "genuine": [0, 5], "impostor": [7, 1]},
    "worst_genuine": [{"a": "x", "b": "y", "score": -0.1}], "worst_impostor": [],
    "roc": [[0.001, 0.1], [0.5, 0.9]], "cmc": [[0, 1, 2], [0.5, 0.6, 0.7]]})"));
  ASSERT_EQ(evaluation.figures.size(), 3u);
  EXPECT_EQ(evaluation.figures[0].name, "accuracy");
  EXPECT_EQ(evaluation.figures[0].value, 0.8585);
  EXPECT_EQ(evaluation.figures[0].high, 0.87);
  EXPECT_TRUE(std::isnan(evaluation.figures[1].low));
  EXPECT_TRUE(std::isnan(evaluation.figures[2].value));
  EXPECT_THAT(evaluation.figures[2].unmeasurable, HasSubstr("has 3,000"));
  EXPECT_THAT(evaluation.numbers, ElementsAre(std::pair<std::string, double>("pairs", 6000)));
  EXPECT_EQ(evaluation.text("images"), "chips");
  EXPECT_EQ(evaluation.histogram.impostor, (std::vector<double>{7, 1}));
  ASSERT_EQ(evaluation.worst_genuine.size(), 1u);
  EXPECT_EQ(evaluation.worst_genuine[0].score, -0.1);
  EXPECT_EQ(evaluation.roc[1].x, 0.1);
  EXPECT_EQ(evaluation.roc[1].y, 0.9);
  EXPECT_EQ(evaluation.cmc[0].x, 1);  // ranks count from 1 here
  EXPECT_EQ(evaluation.cmc[2].y, 0.7);
}

TEST(ReadEvaluation, OpenSetCurvesAreKeptApartFromVerification) {
  const test::TempDir dir;
  const EvaluationRecord identification = read_evaluation_record(
      dir.write("i.json", R"({"protocol": "identification", "roc": [[0.01, 0.1], [0.5, null]]})"));
  EXPECT_TRUE(identification.roc.empty());
  ASSERT_EQ(identification.open_set.size(), 2u);
  EXPECT_EQ(identification.open_set[0].y, 0.5);
  EXPECT_TRUE(std::isnan(identification.open_set[1].y));
  const EvaluationRecord blufr =
      read_evaluation_record(dir.write("b.json", R"({"protocol": "blufr", "figures": {},
    "roc": [[0, 1], [0.5, 1]], "dir_curve": {"far": [0.01, 0.1], "ranks": [1, 5], "mean": [[0.4, 0.5], [0.6, 0.7]]}})"));
  EXPECT_EQ(blufr.roc.size(), 2u);
  ASSERT_EQ(blufr.open_set.size(), 2u);
  EXPECT_EQ(blufr.open_set[1].y, 0.5);
}

TEST(ReadEvaluation, ReadsTheDifferencesOfAComparison) {
  const test::TempDir dir;
  const EvaluationRecord comparison =
      read_evaluation_record(dir.write("c.json", R"({"protocol": "pairs", "a": "x.json",
    "differences": {"accuracy": {"a": 0.8, "b": 0.85, "difference": 0.05, "low": 0.01, "high": 0.09, "verdict": "b is better"}}})"));
  ASSERT_EQ(comparison.differences.size(), 1u);
  EXPECT_EQ(comparison.differences[0].difference.name, "accuracy");
  EXPECT_EQ(comparison.differences[0].difference.value, 0.05);
  EXPECT_EQ(comparison.differences[0].difference.low, 0.01);
  EXPECT_EQ(comparison.differences[0].b, 0.85);
  EXPECT_EQ(comparison.differences[0].verdict, "b is better");
  EXPECT_TRUE(comparison.numbers.empty());
}

TEST(ReadEvaluation, NumbersThatAreFiguresTooAreGivenOnce) {
  const test::TempDir dir;
  const EvaluationRecord evaluation = read_evaluation_record(dir.write(
      "m.json",
      R"({"rank1": 0.9, "probes": 80, "tar_at_far": {"0.001": 0.5}, "figures": {"rank1": {"value": 0.9},
                              "tar_at_far/0.001": {"value": 0.5}}})"));
  EXPECT_THAT(evaluation.numbers, ElementsAre(std::pair<std::string, double>("probes", 80)));
}

TEST(ReadEvaluation, OtherFilesAreRefused) {
  const test::TempDir dir;
  const auto message = [&](const std::string& content) {
    const std::string path = dir.write("e.json", content);
    const std::string text = test::error_of(ErrorKind::kFormat, [&] { read_evaluation_record(path); });
    EXPECT_EQ(text.rfind(path + ": ", 0), 0u) << text;
    return text;
  };
  for (const char* other : {"", "{", "[1,2]", "{}", "7", "{\"seed\": 1}"})
    EXPECT_THAT(message(other), HasSubstr("no evaluation"));
  EXPECT_THAT(message(R"({"roc": [[1, 2], [1]]})"), HasSubstr("\"roc\""));
  EXPECT_THAT(message(R"({"roc": [[2, 1], [1, 2]]})"), HasSubstr("do not fall"));
  EXPECT_THAT(message(R"({"roc": 3})"), HasSubstr("\"roc\""));
  EXPECT_THAT(message(R"({"cmc": [[0], ["a"]]})"), HasSubstr("\"cmc\""));
  EXPECT_THAT(message(R"({"figures": {"a": {}}})"), HasSubstr("\"figures\""));
  EXPECT_THAT(message(R"({"figures": [1]})"), HasSubstr("\"figures\""));
  EXPECT_THAT(
      message(R"({"figures": {}, "score_histogram": {"low": 1, "high": 1, "genuine": [], "impostor": []}})"),
      HasSubstr("low < high"));
  EXPECT_THAT(message(R"({"differences": {"a": {"difference": 1}}})"), HasSubstr("\"differences\""));
  EXPECT_THAT(message(R"({"figures": {}, "dir_curve": {"far": [1]}})"), HasSubstr("\"dir_curve\""));
  EXPECT_THAT(
      message(
          R"({"figures": {}, "score_histogram": {"low": 0, "high": 1, "genuine": [-1], "impostor": [1]}})"),
      HasSubstr("\"score_histogram\""));
  EXPECT_THAT(message(R"({"figures": {}, "worst_genuine": [{"a": "x", "b": "y"}]})"),
              HasSubstr("\"worst_genuine\""));
}

}  // namespace
}  // namespace aface
