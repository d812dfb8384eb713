#include "aface/eval/evaluation_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "aface/core/error.h"
#include "aface/core/random.h"

namespace aface {
namespace {

TEST(EvaluationJson, FiguresAndDrawsRoundTrip) {
  BootstrapOptions options;
  options.replicates = 101;
  options.seed = 0xffffffffffffffffULL;
  Figure accuracy;
  accuracy.name = "accuracy";
  accuracy.value = 0.1 + 0.2;
  Random random(4);
  for (int i = 0; i < 101; ++i) accuracy.replicates.push_back(static_cast<float>(random.uniform()));
  accuracy.replicates[7] = std::numeric_limits<float>::quiet_NaN();
  Figure tar;
  tar.name = "tar_at_far/1e-06";
  tar.value = std::numeric_limits<double>::quiet_NaN();
  tar.unmeasurable = "needs 1,000,000 impostor pairs, has 3,000";
  Figure plain;
  plain.name = "rank1";
  plain.value = 1;

  Json json;
  json["protocol"] = "pairs";
  add_figures(json, {accuracy, tar, plain}, options, "3-abc");
  const Json read = Json::parse(json_text(json));
  EXPECT_EQ(read, json);
  EXPECT_EQ(read["figures"]["accuracy"]["value"].get<double>(), 0.1 + 0.2);
  EXPECT_EQ(read["figures"]["accuracy"]["low"].get<double>(), interval_of(accuracy).low);
  EXPECT_EQ(read["figures"]["accuracy"]["high"].get<double>(), interval_of(accuracy).high);
  EXPECT_EQ(read["figures"]["tar_at_far/1e-06"],
            (Json{{"unmeasurable", "needs 1,000,000 impostor pairs, has 3,000"}}));
  EXPECT_EQ(read["figures"]["rank1"], (Json{{"value", 1.0}}));
  const Json& bootstrap = read["bootstrap"];
  EXPECT_EQ(bootstrap["replicates"], 101);
  EXPECT_EQ(bootstrap["seed"].get<std::uint64_t>(), options.seed);
  EXPECT_EQ(bootstrap["people"], "3-abc");
  EXPECT_EQ(bootstrap["draws"].size(), 1u);
  for (std::size_t i = 0; i < 101; ++i) {
    const Json& draw = bootstrap["draws"]["accuracy"][i];
    if (i == 7) {
      EXPECT_TRUE(draw.is_null());
    } else {
      EXPECT_EQ(static_cast<float>(draw.get<double>()), accuracy.replicates[i]);
    }
  }
}

TEST(EvaluationJson, FiguresThatContradictThemselvesAreBugs) {
  BootstrapOptions options;
  const auto expect_bug = [&](const std::vector<Figure>& figures) {
    Json json;
    EXPECT_THROW(add_figures(json, figures, options, "0-0"), Error);
  };
  Figure figure;
  figure.name = "rank1";
  expect_bug({figure, figure});
  figure.replicates = {1, 2};
  expect_bug({figure});
  figure.replicates.clear();
  figure.value = std::numeric_limits<double>::quiet_NaN();
  expect_bug({figure});
}

TEST(EvaluationJson, PeopleDigestSeesNamesAndOrder) {
  EXPECT_EQ(names_digest({"Ada", "Bo"}), names_digest({"Ada", "Bo"}));
  EXPECT_NE(names_digest({"Ada", "Bo"}), names_digest({"Bo", "Ada"}));
  EXPECT_NE(names_digest({"Ada", "Bo"}), names_digest({"Ad", "aBo"}));
  EXPECT_NE(names_digest({"Ada"}), names_digest({"Ada", ""}));
  EXPECT_EQ(names_digest({}), "0-cbf29ce484222325");
  EXPECT_EQ(names_digest({"a"}).substr(0, 2), "1-");
}

TEST(EvaluationJson, BinsCoverTheCosine) {
  EXPECT_EQ(score_bin(-2), 0);
  EXPECT_EQ(score_bin(-1), 0);
  EXPECT_EQ(score_bin(-0.985f), 1);
  EXPECT_EQ(score_bin(-0.001f), 99);
  EXPECT_EQ(score_bin(0), 100);
  EXPECT_EQ(score_bin(0.995f), 199);
  EXPECT_EQ(score_bin(std::nextafter(1.0f, 0.0f)), 199);
  EXPECT_EQ(score_bin(1), 199);
  EXPECT_EQ(score_bin(1.5f), 199);
  for (int bin = 0; bin < ScoreHistogram::kBins; ++bin) {
    EXPECT_EQ(score_bin(static_cast<float>(-1 + (bin + 0.5) * 0.01)), bin);
  }
}

TEST(EvaluationJson, CurvesHistogramsAndPairs) {
  Json json;
  ScoreHistogram histogram;
  histogram.genuine[199] = 4000000000;
  add_histogram(json, histogram);
  add_worst_pairs(json, {{"a.jpg", "b\"\xff.jpg", 0.1f}}, {});
  add_roc(json, {0, 0.5}, {0.25, 1});
  add_cmc(json, {0.5, 0.75});
  const Json read = Json::parse(json_text(json));
  EXPECT_EQ(read["score_histogram"]["low"], -1);
  EXPECT_EQ(read["score_histogram"]["high"], 1);
  EXPECT_EQ(read["score_histogram"]["genuine"][199], 4000000000);
  EXPECT_EQ(read["score_histogram"]["impostor"].size(), 200u);
  EXPECT_EQ(read["worst_genuine"], Json::parse(R"([{"a": "a.jpg", "b": "b\"\ufffd.jpg", "score": 0.1}])"));
  EXPECT_EQ(read["worst_impostor"], Json::array());
  EXPECT_EQ(read["roc"], Json::parse("[[0.0, 0.5], [0.25, 1.0]]"));
  EXPECT_EQ(read["cmc"], Json::parse("[[0, 1], [0.5, 0.75]]"));
}

TEST(EvaluationJson, TextIsIndentedButListsOfNumbersAreNot) {
  const Json json = Json::parse(R"({"a": {"b": [1, 2]}, "c": [[1], [2]], "d": {}, "e": []})");
  EXPECT_EQ(json_text(json),
            "{\n  \"a\": {\n    \"b\": [1,2]\n  },\n  \"c\": [\n    [1],\n    [2]\n  ],\n  \"d\": {},\n"
            "  \"e\": []\n}\n");
}

}  // namespace
}  // namespace aface
