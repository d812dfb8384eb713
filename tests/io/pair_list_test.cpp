#include "aface/io/pair_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aface/core/error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string write_list(const std::string& text) {
  static const test::TempDir folder;
  return folder.write("pairs.txt", text);
}

std::string message_for(const std::string& text) {
  try {
    read_pairs(write_list(text));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFormat);
    return error.what();
  }
  return "";
}

TEST(PairList, ReadsTheFormOfLfw) {
  const PairList list =
      read_pairs(write_list("2\t1\r\nAda_L\t1\t4\r\nAda_L\t4\tBo\t12\r\nBo\t12\t2\r\nBo\t2\tCy\t10000\r\n"));
  EXPECT_EQ(list.folds, 2);
  EXPECT_THAT(list.paths, ElementsAre("Ada_L/Ada_L_0001.jpg", "Ada_L/Ada_L_0004.jpg", "Bo/Bo_0012.jpg",
                                      "Bo/Bo_0002.jpg", "Cy/Cy_10000.jpg"));
  ASSERT_EQ(list.pairs.size(), 4u);
  EXPECT_EQ(list.pairs[1].first, 1);
  EXPECT_EQ(list.pairs[1].second, 2);
  EXPECT_TRUE(list.pairs[0].same_identity);
  EXPECT_FALSE(list.pairs[1].same_identity);
  EXPECT_TRUE(list.pairs[2].same_identity);
  EXPECT_FALSE(list.pairs[3].same_identity);
}

TEST(PairList, ExtensionIsTheCallers) {
  const PairList list = read_lfw_pairs(write_list("1\t1\nA\t1\t2\nA\t1\tB\t1\n"), ".png");
  EXPECT_EQ(list.paths[0], "A/A_0001.png");
}

TEST(PairList, DevelopmentListsHaveOneFold) {
  EXPECT_EQ(read_pairs(write_list("1\nA\t1\t2\nA\t1\tB\t1\n")).folds, 1);
}

TEST(PairList, ReadsPathsWithLabels) {
  const PairList list =
      read_pairs(write_list("a b/1.jpg\tc/2.jpg\t1\na b/1.jpg\td.jpg\t0\n"
                            "x.jpg y.jpg 0\nx.jpg  z.jpg 1\n"));
  EXPECT_EQ(list.folds, 2);
  EXPECT_THAT(list.paths, ElementsAre("a b/1.jpg", "c/2.jpg", "d.jpg", "x.jpg", "y.jpg", "z.jpg"));
  EXPECT_FALSE(list.pairs[2].same_identity);
  EXPECT_TRUE(list.pairs[3].same_identity);
}

TEST(PairList, PathListsTakeAsManyFoldsAsHoldBothKinds) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "a" + std::to_string(i) + " b " + std::to_string(i % 2) + "\n";
  EXPECT_EQ(read_pairs(write_list(text)).folds, 10);
  EXPECT_EQ(read_pairs(write_list(text.substr(0, text.find("a18 ")))).folds, 9);
  EXPECT_THAT(message_for("a b 1\nc d 1\ne f 0\ng h 0\n"), HasSubstr("cannot be cut"));
  EXPECT_THAT(message_for("a b 1\nc d 0\ne f 1\n"), HasSubstr("3 pairs"));
}

TEST(PairList, ErrorsNameTheLine) {
  EXPECT_THAT(message_for("2\t1\nA\t1\t2\nA\t1\tB\t1\nB\t1\t2\n"), HasSubstr("3 pairs follow"));
  EXPECT_THAT(message_for("1\t1\nA\t1\t2\nB\t1\t2\n"), HasSubstr(":3: 3 fields (expected 'name1 i name2 j'"));
  EXPECT_THAT(message_for("1\t1\nA\tone\t2\nA\t1\tB\t1\n"), HasSubstr(":2: 'one' is not an image number"));
  EXPECT_THAT(message_for("1\t1\nA\t1\t-2\nA\t1\tB\t1\n"), HasSubstr("'-2'"));
  EXPECT_THAT(message_for("1\t1\nA\t2\t2\nA\t1\tB\t1\n"), HasSubstr("paired with itself"));
  EXPECT_THAT(message_for("1\t1\nA\t1\t2\nA\t1\tA\t3\n"), HasSubstr("both sides"));
  EXPECT_THAT(message_for("a.jpg b.jpg 1\na.jpg b.jpg 2\n"), HasSubstr(":2: expected 'path1 path2 1'"));
  EXPECT_THAT(message_for(""), HasSubstr("empty"));
  EXPECT_THAT(message_for("1000000\t1000000\nA\t1\t2\n"), HasSubstr("truncated"));
  EXPECT_THAT(message_for(std::string(3, '\0')), HasSubstr(":1:"));
}

}  // namespace
}  // namespace aface
