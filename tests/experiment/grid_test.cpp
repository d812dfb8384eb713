#include "aface/experiment/grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aface/experiment/placeholders.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;

class GridFile : public ::testing::Test {
 protected:
  Grid read(const std::string& text, const std::map<std::string, std::string>& definitions = {}) {
    return read_grid(dir_.write("grid.toml", text), definitions);
  }
  void expect_refused(const std::string& text, const std::string& says) {
    EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { read(text); }), ::testing::HasSubstr(says));
  }
  test::TempDir dir_;
};

TEST_F(GridFile, IsReadWhole) {
  const Grid grid = read(R"(
title = "Heads"
configs = ["{here}/base.toml"]
set = ["data.root={FACES}/images"]
seeds = [3, 1]
baselines = ["cosface"]
[define]
FACES = "/faces"
[[before]]
makes = "set"
command = ["synth", "{out}"]
[[variant]]
name = "cosface"
set = ["head.kind=cosface"]
[[variant]]
name = "adam"
configs = ["adam.toml"]
[[after]]
makes = "a.json"
command = ["evaluate", "pairs", "--model", "{run}/model.safetensors", "--json", "{out}"]
[[figure]]
label = "LFW %"
file = "a.json"
name = "accuracy"
[[figure]]
label = "loss"
file = "summary.json"
pointer = "/loss"
unit = 1
digits = 3
)");
  EXPECT_THAT(grid.configs, ElementsAre(dir_.path() + "/base.toml"));
  EXPECT_THAT(grid.overrides, ElementsAre("data.root=/faces/images"));
  EXPECT_THAT(grid.seeds, ElementsAre(3, 1));
  ASSERT_EQ(grid.variants.size(), 2u);
  EXPECT_EQ(grid.variants[0].name, "cosface");
  EXPECT_THAT(grid.variants[1].configs, ElementsAre("adam.toml"));
  EXPECT_EQ(grid.before[0].makes, "set");
  EXPECT_EQ(grid.after[0].arguments[3], "{run}/model.safetensors");
  EXPECT_EQ(grid.figures[0].figure, "accuracy");
  EXPECT_EQ(grid.figures[1].digits, 3);
}

TEST_F(GridFile, ChartsAreOfThingsThatAreThere) {
  const std::string start = R"(
[[variant]]
name = "queues"
over = { "mining.budget" = [100, 200] }
[[figure]]
label = "loss"
file = "s.json"
pointer = "/loss"
)";
  const Grid grid = read(start + R"(
[[chart]]
makes = "budgets.svg"
title = "Budgets"
over = "mining.budget"
figure = "loss"
x_log = true
[[chart]]
makes = "margins.svg"
title = "Margins"
file = "margins.tsv"
x = "images"
y = "margin"
variants = ["queues-budget=200"]
)");
  ASSERT_EQ(grid.charts.size(), 2u);
  EXPECT_EQ(grid.charts[0].x_label, "mining.budget");
  EXPECT_TRUE(grid.charts[0].is_x_log);
  EXPECT_EQ(grid.charts[1].y_label, "margin");
  EXPECT_EQ(grid.variants[1].choices.at("mining.budget"), "200");
  const std::string chart = start + "[[chart]]\ntitle = \"t\"\n";
  expect_refused(chart + "makes = \"a.png\"\n", "a chart makes a file NAME.svg");
  expect_refused(chart + "makes = \"../a.svg\"\n", "a chart makes a file NAME.svg");
  expect_refused(chart + "makes = \"a.svg\"\nover = \"mining.size\"\nfigure = \"loss\"\n", "no variant has 'mining.size'");
  expect_refused(chart + "makes = \"a.svg\"\nover = \"mining.budget\"\nfigure = \"los\"\n", "no figure has the label 'los'");
  expect_refused(chart + "makes = \"a.svg\"\nfile = \"m.tsv\"\nx = \"a\"\n", "'y' is missing");
  expect_refused(chart + "makes = \"a.svg\"\nfile = \"m.tsv\"\nx = \"a\"\ny = \"b\"\nvariants = [\"queue\"]\n", "'queue' is no variant");
  expect_refused(chart + "makes = \"a.svg\"\nfile = \"m.tsv\"\nx = \"a\"\ny = \"b\"\nx_log = 1\n", "'x_log' wants true or false");
}

TEST_F(GridFile, OverMakesEveryCombination) {
  const Grid grid = read(R"(
[[variant]]
name = "cosface"
set = ["head.kind=cosface"]
over = { "head.margin" = [0.25, 0.35], "head.logit_scale" = [16, 32] }
)");
  std::vector<std::string> names;
  for (const GridVariant& variant : grid.variants) names.push_back(variant.name);
  EXPECT_THAT(names, ::testing::ElementsAre(
                         "cosface-logit_scale=16-margin=0.25", "cosface-logit_scale=16-margin=0.35",
                         "cosface-logit_scale=32-margin=0.25", "cosface-logit_scale=32-margin=0.35"));
  for (const GridVariant& variant : grid.variants) EXPECT_EQ(variant.overrides.size(), 3u);
}

TEST_F(GridFile, OverAlsoGivesNamesOfOnesOwn) {
  const std::string variant =
      "[[variant]]\nname = 'ads'\nset = ['data.list=noise{share}.tsv']\nover = { share = [5, 10] }\n";
  const std::string step = "[[after]]\nmakes = 'x'\ncommand = ['score', 'truth{share}.tsv']\n";
  const Grid grid = read(variant + step);
  ASSERT_EQ(grid.variants.size(), 2u);
  EXPECT_EQ(grid.variants[1].name, "ads-share=10");
  EXPECT_EQ(grid.variants[1].values.at("share"), "10");
  EXPECT_THAT(grid.variants[1].overrides, ElementsAre("data.list=noise{share}.tsv"));
  // A variant that does not say what it is leaves the step without.
  expect_refused(variant + "[[variant]]\nname = 'plain'\n" + step, "nobody says what {share} is");
}

TEST_F(GridFile, DefinitionsOfTheCallerWin) {
  const std::string text = "set = ['x={A}']\n[define]\nA = 'file'\n[[variant]]\nname = 'v'\n";
  EXPECT_THAT(read(text).overrides, ElementsAre("x=file"));
  EXPECT_THAT(read(text, {{"A", "caller"}}).overrides, ElementsAre("x=caller"));
}

TEST_F(GridFile, WhatIsWrongIsNamedWithItsLine) {
  const std::string v = "[[variant]]\nname = 'v'\n";
  expect_refused("seeds = [1]\n", "no [[variant]]");
  expect_refused("sets = ['a']\n" + v, "grid.toml:1: unknown key 'sets'");
  expect_refused(v + "sett = ['a']\n", "grid.toml:3: unknown key 'sett'");
  expect_refused("set = ['data.root={FACES}']\n" + v,
                 "grid.toml:1: nobody says what {FACES} is; give --define FACES=");
  expect_refused("seeds = [1, 1]\n" + v, "a seed stands twice");
  expect_refused("seeds = [-1]\n" + v, "whole numbers");
  expect_refused("seeds = 1\n" + v, "wants a list");
  expect_refused("baselines = ['w']\n" + v, "the baseline 'w' is no variant");
  expect_refused(v + v, "two variants have the name 'v'");
  expect_refused("[[variant]]\nname = '../v'\n", "letters, digits");
  expect_refused("[[variant]]\nset = []\n", "'name' is missing");
  expect_refused(v + "[[figure]]\nlabel = 'x'\nfile = 'y'\n", "either a 'name'");
  expect_refused(v + "[[after]]\nmakes = ''\ncommand = []\n", "must not be empty");
  expect_refused("title = [\n", "not valid TOML");
  expect_refused(v + "over = { a = [] }\n", "wants a list of values");
  EXPECT_THAT(test::error_of(ErrorKind::kUsage,
                             [&] {
                               read(v, {{"run", "x"}});
                             }),
              ::testing::HasSubstr("--define run"));
  EXPECT_THAT(test::error_of(ErrorKind::kIo, [&] { read_grid(dir_.file("none.toml"), {}); }),
              ::testing::HasSubstr("none.toml"));
}

TEST(Filled, ReplacesOnlyWhatItKnows) {
  EXPECT_EQ(filled("{a}/{b}{c} {} {a", {{"a", "1"}, {"b", "{a}"}}), "1/{a}{c} {} {a");
}

}  // namespace
}  // namespace aface
