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

// Each fold as text: 's' and 'd' with the number of the first image.
std::string folds_as_text(const PairList& list) {
  std::string text;
  const std::size_t fold_size = list.pairs.size() / static_cast<std::size_t>(list.folds);
  for (std::size_t i = 0; i < list.pairs.size(); ++i) {
    if (i > 0 && i % fold_size == 0) text += '|';
    text +=
        (list.pairs[i].same_identity ? 's' : 'd') + list.paths[static_cast<std::size_t>(list.pairs[i].first)];
  }
  return text;
}

TEST(PairList, TwoLineListsGetFoldsWithASliceOfEachKind) {
  // CALFW's labels are not 1 alone; all pairs of one person come first.
  const PairList list = read_pairs(write_list(
      "0 1\n0b 1\n1 7\n1b 7\n2 10\n2b 10\n3 1\n3b 1\n4 0\n4b 0\n5 0\n5b 0\n6 0\n6b 0\n7 0\n7b 0\n"));
  EXPECT_EQ(list.folds, 4);
  EXPECT_EQ(folds_as_text(list), "s0d4|s1d5|s2d6|s3d7");
  EXPECT_THAT(message_for("a 1\nb 1\nc 0\n"), HasSubstr(":3: the last pair has one line"));
  EXPECT_THAT(message_for("a 1\nb 0\n"), HasSubstr(":2: label 0 but 1 on the line before"));
  EXPECT_THAT(message_for("a 1\nb x\n"), HasSubstr(":2: expected 'file label'"));
  EXPECT_THAT(message_for("a 1\nb 1\nc 0\nd 0\n"),
              HasSubstr("1 pairs of one person and 1 of two cannot both"));
}

TEST(PairList, ThePublishedSizesGiveTenFoldsOfThreeHundredAndThreeHundred) {
  std::string text;
  for (int i = 0; i < 6000; ++i) {
    for (const char* side : {"a", "b"}) text += std::to_string(i) + side + (i < 3000 ? " 1\n" : " 0\n");
  }
  const PairList list = read_two_line_pairs(write_list(text));
  EXPECT_EQ(list.folds, 10);
  for (std::size_t fold = 0; fold < 10; ++fold) {
    for (std::size_t i = 0; i < 600; ++i) {
      const Pair& pair = list.pairs[fold * 600 + i];
      EXPECT_EQ(pair.same_identity, i < 300);
      EXPECT_EQ(list.paths[static_cast<std::size_t>(pair.first)],
                std::to_string(fold * 300 + i % 300 + (i < 300 ? 0 : 3000)) + "a");
    }
  }
}

TEST(PairList, ReadsTheLinesOfLfwWithoutTheirHeader) {
  const PairList list = read_pairs(write_list("m.0\t1\t2\nm.0\t1\tm.1\t1\nm.1\t1\t3\nm.1\t3\tm.2\t1\n"));
  EXPECT_EQ(list.folds, 2);
  EXPECT_THAT(list.paths, ElementsAre("m.0/m.0_0001.jpg", "m.0/m.0_0002.jpg", "m.1/m.1_0001.jpg",
                                      "m.1/m.1_0003.jpg", "m.2/m.2_0001.jpg"));
  EXPECT_EQ(folds_as_text(list), "sm.0/m.0_0001.jpgdm.0/m.0_0001.jpg|sm.1/m.1_0001.jpgdm.1/m.1_0003.jpg");
  EXPECT_THAT(message_for("A\t1\t2\nA\t1\tB\t1\nA\t1\n"), HasSubstr(":3: 2 fields (expected 'name i j'"));
  EXPECT_THAT(message_for("A\t1\tx\nA\t1\tB\t1\n"), HasSubstr(":1: 'x' is not an image number"));
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
