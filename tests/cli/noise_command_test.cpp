#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string list_of(int identities, int photos) {
  std::string list;
  for (int i = 0; i < identities; ++i) {
    for (int j = 0; j < photos; ++j)
      list += "p" + std::to_string(i) + "/" + std::to_string(j) + ".jpg\tp" + std::to_string(i) + "\n";
  }
  return list;
}

TEST(NoiseCommand, FlipsByTheSeedAndSaysWhich) {
  const test::TempDir dir;
  dir.write("list.tsv", list_of(10, 20));
  const auto flip = [&](const std::string& seed, const std::string& name) {
    const auto result =
        test::run_adaptiveface({"noise", "flip", dir.file("list.tsv"), "--share", "0.1", "--seed", seed,
                                "--out", dir.file(name + ".tsv"), "--truth", dir.file(name + "_truth.tsv")});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("200 photos of 10 identities, 20 with another's label"));
    return text_of(dir.file(name + ".tsv"));
  };
  const std::string one = flip("1", "one");
  EXPECT_EQ(flip("1", "same"), one);
  EXPECT_NE(flip("2", "other"), one);

  std::istringstream truth(text_of(dir.file("one_truth.tsv")));
  std::string line;
  std::getline(truth, line);
  EXPECT_EQ(line, "path\tlabel\tidentity\tnoisy");
  int noisy = 0;
  while (std::getline(truth, line)) {
    std::istringstream fields(line);
    std::string path, label, identity;
    int is_noisy = 0;
    fields >> path >> label >> identity >> is_noisy;
    EXPECT_EQ(path.substr(0, 2), identity);
    EXPECT_EQ(is_noisy, label != identity);
    EXPECT_THAT(one, HasSubstr(path + "\t" + label + "\n"));
    noisy += is_noisy;
  }
  EXPECT_EQ(noisy, 20);
}

TEST(NoiseCommand, ScoresAListByHand) {
  const test::TempDir dir;
  dir.write("truth.tsv", "path\tlabel\tidentity\tnoisy\na\tp\tq\t1\nb\tp\tp\t0\nc\tq\tp\t1\nd\tq\tq\t0\n");
  dir.write("suspects.tsv", "path\tidentity\tscore\nc\tq\t-0.2\nb\tp\t0.1\na\tp\t0.2\n");
  const auto result = test::run_adaptiveface({"noise", "score", dir.file("suspects.tsv"), "--truth",
                                              dir.file("truth.tsv"), "--curve", dir.file("curve.tsv")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("2 wrong labels among 4 photos; 3 suspects listed, 2 of them wrong"),
                    HasSubstr("among the first 2: 50.0 % wrong"), HasSubstr("average precision: 0.8333")));
  EXPECT_THAT(text_of(dir.file("curve.tsv")), HasSubstr("3\t2\t0.2000\t0.666667\t1.000000\n"));
}

TEST(NoiseCommand, OtherTruthAndNothingToFindAreRefused) {
  const test::TempDir dir;
  dir.write("suspects.tsv", "path\tscore\nc\t-0.2\n");
  dir.write("truth.tsv", "path\tnoisy\na\t1\n");
  test::expect_failure({"noise", "score", dir.file("suspects.tsv"), "--truth", dir.file("truth.tsv")}, 3,
                       "c is not in");
  dir.write("truth.tsv", "path\tnoisy\nc\t0\n");
  test::expect_failure({"noise", "score", dir.file("suspects.tsv"), "--truth", dir.file("truth.tsv")}, 3,
                       "nothing to find");
}

}  // namespace
}  // namespace aface
