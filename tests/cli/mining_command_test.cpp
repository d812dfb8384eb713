// "adaptiveface mining" on a short run of configs/tiny.toml.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"

namespace aface::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class MiningCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    run_dir_ = dir_->path() + "/run";
    const RunResult trained = run_program(
        AFACE_PROGRAM, {"train", "--config", std::string(AFACE_SOURCE_DIR) + "/configs/tiny.toml", "--run-dir", run_dir_,
                        "--threads", "1", "--set", "train.steps=12", "--set", "train.checkpoint_every=12"});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  static void TearDownTestSuite() { delete dir_; }

  static RunResult mining(std::vector<std::string> more) {
    std::vector<std::string> arguments = {"mining", run_dir_, "--batch-size", "8", "--batches", "5", "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(AFACE_PROGRAM, arguments);
  }

  static inline TempDir* dir_ = nullptr;
  static inline std::string run_dir_;
};

TEST_F(MiningCommand, ComparesAllSelectorsAtTheBudgetsAsked) {
  const std::string tsv = dir_->path() + "/worth.tsv", svg = dir_->path() + "/worth.svg";
  const RunResult result = mining({"--budgets", "50", "100", "--out", tsv, "--plot", svg});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("step 12, 24 identities, 40 photos in batches of 8"));
  std::istringstream lines(text_of(tsv));
  std::string header, line;
  std::getline(lines, header);
  EXPECT_THAT(header, StartsWith("selector\tshare\tbudget\tactive\twrong_mass"));
  int rows = 0;
  for (; std::getline(lines, line); ++rows) {
    std::istringstream cells(line);
    std::string selector, cell;
    std::getline(cells, selector, '\t');
    std::vector<double> values;
    while (std::getline(cells, cell, '\t')) values.push_back(std::stod(cell));
    ASSERT_EQ(values.size(), 9U) << line;
    EXPECT_EQ(values[1], 24 * values[0]) << line;
    // The saved queues hold what they hold; a budget fills up whatever they leave.
    EXPECT_EQ(values[2], values[1]) << line;
    if (values[0] == 1) {
      for (const int share : {3, 5, 7}) EXPECT_EQ(values[static_cast<std::size_t>(share)], 1) << line;
    } else {
      EXPECT_LT(values[3], 1) << line;
      EXPECT_LT(values[3], values[5]) << line;  // the own identity is always caught
    }
  }
  EXPECT_EQ(rows, 2 * 4 + 1);
  EXPECT_THAT(text_of(svg), StartsWith("<svg xmlns"));
  EXPECT_THAT(text_of(svg), HasSubstr("feature_query"));
  EXPECT_EQ(mining({"--budgets", "50", "100"}).out, result.out);  // seeded
}

TEST_F(MiningCommand, RefusesWhatCannotBeMeasuredInOneLine) {
  const RunResult tight = mining({"--budgets", "10"});
  EXPECT_EQ(tight.exit_code, 2);
  EXPECT_THAT(tight.err, HasSubstr("a budget of 10 % of 24 identities: mining.budget = 2 is below the 8 identities"));
  const RunResult ending = mining({"--out", "worth.txt"});
  EXPECT_EQ(ending.exit_code, 2);
  EXPECT_THAT(ending.err, HasSubstr("ends neither in .tsv nor in .json"));
  const RunResult nowhere = run_program(AFACE_PROGRAM, {"mining", dir_->path() + "/nowhere"});
  EXPECT_EQ(nowhere.exit_code, 3) << nowhere.err;
  EXPECT_THAT(nowhere.err, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace aface::test
