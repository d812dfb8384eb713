#include "aface/experiment/grid_chart.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GridChartTest : public ::testing::Test {
 protected:
  GridChartTest() {
    grid_.seeds = {1, 2};
    grid_.variants = {{"all", {}, {}, {}, {}}};
    for (const char* budget : {"100", "200", "400"}) {
      grid_.variants.push_back({std::string("queues-budget=") + budget, {}, {}, {}, {{"mining.budget", budget}}});
    }
    grid_.figures = {{"loss", "s.json", "", "/loss", 10, 3}};
  }
  void add(const std::string& variant, int seed, const std::string& log, const std::string& margins, double loss) {
    const std::string folder = fmt::format("{}/seed{}", variant, seed);
    dir_.write(folder + "/metrics.jsonl", log);
    dir_.write(folder + "/margins.tsv", margins);
    dir_.write(folder + "/s.json", fmt::format(R"({{"loss": {}}})", loss));
    runs_.push_back({variant, seed, dir_.file(folder), "", 0});
  }
  std::string draw(const GridChart& chart) { return grid_chart_svg(grid_, chart, runs_, make_grid_table(grid_, runs_)); }

  test::TempDir dir_;
  Grid grid_;
  std::vector<GridRun> runs_;
};

GridChart of_file(const std::string& file, const std::string& x, const std::string& y) {
  GridChart chart;
  chart.makes = "chart.svg";
  chart.title = "A title";
  chart.file = file;
  chart.x = chart.x_label = x;
  chart.y = chart.y_label = y;
  return chart;
}

// Two pictures are the same when their numbers are.
TEST_F(GridChartTest, AveragesRowsAtTheSameXOverSeeds) {
  grid_.variants.resize(1);
  add("all", 1, "", "images\tmargin\n10\t0.2\n10\t0.4\n20\t0.1\n", 1);
  add("all", 2, "", "images\tmargin\n10\t0.6\n10\t0.8\n20\t0.3\n", 1);
  const std::string two = draw(of_file("margins.tsv", "images", "margin"));
  runs_.clear();
  add("all", 1, "", "images\tmargin\n20\t0.2\n10\t0.5\n", 1);
  EXPECT_EQ(two, draw(of_file("margins.tsv", "images", "margin")));
  EXPECT_THAT(two, HasSubstr("A title"));
  EXPECT_THAT(two, HasSubstr("<svg"));
  runs_.clear();
  add("all", 1, "", "images\tmargin\n20\t0.2\n10\t0.6\n30\t0.1\n", 1);
  EXPECT_NE(two, draw(of_file("margins.tsv", "images", "margin")));
}

TEST_F(GridChartTest, LogsAreDrawnByStepInTheUnitAskedFor) {
  grid_.variants.resize(1);
  add("all", 1, "{\"step\": 10, \"validation/accuracy\": 0.5}\n{\"step\": 20, \"validation/accuracy\": 0.7}\n", "", 1);
  GridChart chart = of_file("metrics.jsonl", "step", "validation/accuracy");
  chart.x_unit = 128;
  chart.y_unit = 100;
  EXPECT_THAT(draw(chart), HasSubstr(">all</text>"));
  chart.y = "validation/acuracy";
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { draw(chart); }), HasSubstr("'validation/acuracy' was never logged"));
  chart.x = "images";
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { draw(chart); }), HasSubstr("by 'step', not by 'images'"));
}

TEST_F(GridChartTest, FigureOverAChoiceIsOneLineAndALevelOneWithoutIt) {
  add("all", 1, "", "", 3);
  add("queues-budget=100", 1, "", "", 1);
  add("queues-budget=200", 1, "", "", 2);
  add("queues-budget=400", 1, "", "", 4);
  runs_.push_back({"queues-budget=400", 2, dir_.file("nowhere"), "it broke", 0});
  GridChart chart;
  chart.title = "Budgets";
  chart.over = "mining.budget";
  chart.figure = "loss";
  chart.is_x_log = true;
  const std::string picture = draw(chart);
  EXPECT_THAT(picture, HasSubstr(">queues</text>"));
  EXPECT_THAT(picture, HasSubstr(">all</text>"));
  EXPECT_THAT(picture, HasSubstr("dashed"));
  EXPECT_THAT(picture, Not(HasSubstr("budget=")));
  chart.variants = {"queues-budget=100", "queues-budget=400"};
  EXPECT_THAT(draw(chart), Not(HasSubstr(">all</text>")));
  chart.variants = {"all"};
  EXPECT_EQ(draw(chart), "");  // nothing that differs
}

TEST_F(GridChartTest, AColumnThatIsNotThereIsNamed) {
  grid_.variants.resize(1);
  add("all", 1, "", "images\tmargin\n10\t0.2\n", 1);
  const std::string message = test::error_of(ErrorKind::kFormat, [&] { draw(of_file("margins.tsv", "photos", "margin")); });
  EXPECT_THAT(message, HasSubstr("margins.tsv:1: no column 'photos'; there are: images, margin"));
}

}  // namespace
}  // namespace aface
