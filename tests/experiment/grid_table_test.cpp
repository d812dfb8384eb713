#include "aface/experiment/grid_table.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GridTableTest : public ::testing::Test {
 protected:
  GridTableTest() {
    grid_.seeds = {1, 2};
    grid_.variants = {{"base", {}, {}, {}, {}}, {"better", {}, {}, {}, {}}};
    grid_.baselines = {"base"};
    grid_.figures = {{"accuracy %", "e.json", "accuracy", "", 100, 1},
                     {"loss", "s.json", "", "/end/loss", 1, 3}};
  }
  void add(const std::string& variant, int seed, double accuracy, double loss,
           const std::string& people = "p") {
    const std::string folder = fmt::format("{}/seed{}", variant, seed);
    dir_.write(folder + "/e.json",
               fmt::format(R"({{"protocol": "pairs", "figures": {{"accuracy": {{"value": {0}}}}},
                            "bootstrap": {{"replicates": 3, "seed": 1, "people": "{1}",
                                           "draws": {{"accuracy": [{0}, {2}, {3}]}}}}}})",
                           accuracy, people, accuracy - 0.01, accuracy + 0.01));
    dir_.write(folder + "/s.json", fmt::format(R"({{"end": {{"loss": {}}}}})", loss));
    runs_.push_back({variant, seed, dir_.file(folder), "", 0});
  }
  test::TempDir dir_;
  Grid grid_;
  std::vector<GridRun> runs_;
};

TEST_F(GridTableTest, ShowsMeansAndPairedDifferences) {
  add("base", 1, 0.80, 2.0);
  add("better", 1, 0.85, 1.5);
  add("base", 2, 0.70, 3.0);
  add("better", 2, 0.75, 2.5);
  const GridTable table = make_grid_table(grid_, runs_);
  EXPECT_NEAR(table.rows[0].figures[0].mean, 0.75, 1e-12);
  EXPECT_NEAR(table.rows[1].figures[1].mean, 2.0, 1e-12);
  const SeedFigure& gain = table.differences[0].rows[0].figures[0];
  EXPECT_NEAR(gain.mean, 0.05, 1e-12);
  EXPECT_NEAR(gain.interval.low, 0.05, 1e-6);
  const std::string text = to_markdown(grid_, runs_, table);
  EXPECT_THAT(text, HasSubstr("| base | 2 | 75.0 ± 7.1 | 2.500 ± 0.707 |"));
  EXPECT_THAT(text, HasSubstr("| better | 2 | **+5.0 [+5.0, +5.0]** | **-0.500 [-0.500, -0.500]** |"));
  EXPECT_THAT(to_tsv(grid_, table), HasSubstr("better\tbase\tloss\t-0.5\t"));
}

TEST_F(GridTableTest, RunsThatFailedAreListedAndLeftOut) {
  add("base", 1, 0.80, 2.0);
  add("better", 1, 0.85, 1.5);
  add("base", 2, 0.70, 3.0);
  runs_.push_back({"better", 2, dir_.file("better/seed2"), "it broke", 0});
  const GridTable table = make_grid_table(grid_, runs_);
  EXPECT_EQ(table.rows[1].seeds, 1);
  EXPECT_NEAR(table.differences[0].rows[0].figures[0].mean, 0.05, 1e-12);  // seed 1 alone
  EXPECT_THAT(to_markdown(grid_, runs_, table), HasSubstr("* better seed 2 failed: it broke"));
}

TEST_F(GridTableTest, WhatCouldNotBeMeasuredIsNoNumber) {
  add("base", 1, 0.80, 2.0);
  dir_.write("base/seed1/e.json",
             R"({"protocol": "pairs", "figures": {"accuracy": {"unmeasurable": "too few"}},
                 "bootstrap": {"replicates": 0, "seed": 1, "people": "p", "draws": {}}})");
  dir_.write("base/seed1/s.json", R"({"end": {"loss": null}})");
  EXPECT_THAT(to_markdown(grid_, runs_, make_grid_table(grid_, runs_)), HasSubstr("| base | 1 | - | - |"));
}

TEST_F(GridTableTest, NumbersThatOnlySomeVariantsReportAreMissingInTheOthers) {
  add("base", 1, 0.80, 2.0);
  add("better", 1, 0.85, 1.5);
  dir_.write("base/seed1/s.json", R"({"end": {}})");
  const GridTable table = make_grid_table(grid_, runs_);
  EXPECT_EQ(table.rows[0].figures[1].seeds, 0);
  EXPECT_NEAR(table.rows[1].figures[1].mean, 1.5, 1e-12);
  EXPECT_THAT(to_markdown(grid_, runs_, table), HasSubstr("| base | 1 | 80.0 | - |"));
}

TEST_F(GridTableTest, RefusesWhatDoesNotFit) {
  add("base", 1, 0.80, 2.0);
  add("better", 1, 0.80, 2.0, "q");
  EXPECT_THAT(test::error_of(ErrorKind::kData, [&] { make_grid_table(grid_, runs_); }),
              ::testing::HasSubstr("different people"));
  runs_.pop_back();
  grid_.figures[0].figure = "rank1";
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { make_grid_table(grid_, runs_); }),
              ::testing::HasSubstr("no figure 'rank1'; there are: accuracy"));
  grid_.figures.erase(grid_.figures.begin());
  grid_.figures[0].pointer = "/loss";
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { make_grid_table(grid_, runs_); }),
              ::testing::HasSubstr("s.json: no number at /loss"));
}

}  // namespace
}  // namespace aface
