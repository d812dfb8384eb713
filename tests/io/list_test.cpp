#include <gtest/gtest.h>

#include "aface/io/identity_list.h"
#include "aface/io/landmark_list.h"
#include "aface/io/relative_path.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::error_of;
using test::TempDir;
using testing::AllOf;
using testing::HasSubstr;

const char* const kPoints = "1\t2\t3\t4.5\t5\t6\t-7\t8\t9\t1e1";

TEST(RelativePath, IsShortenedAndNeverLeavesTheRoot) {
  EXPECT_EQ(normal_relative_path("./a//b/../c.jpg"), "a/c.jpg");
  EXPECT_EQ(normal_relative_path("a b/ä.jpg"), "a b/ä.jpg");
  EXPECT_EQ(normal_relative_path("..a/b.jpg"), "..a/b.jpg");
  for (const char* bad : {"", ".", "..", "../a.jpg", "a/../../b.jpg", "/etc/passwd", "./.."}) {
    EXPECT_EQ(normal_relative_path(bad), "") << bad;
  }
}

TEST(IdentityList, KeepsOrderAndLineNumbersAndTakesWindowsLineEnds) {
  const TempDir dir;
  const auto path = dir.write("l.tsv",
                              "\xEF\xBB\xBF"
                              "b/2.jpg\tBob\r\n\r\na/1.jpg\tAnn Lee");
  const auto rows = read_identity_list(path);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].path, "b/2.jpg");
  EXPECT_EQ(rows[0].identity, "Bob");
  EXPECT_EQ(rows[1].path, "a/1.jpg");
  EXPECT_EQ(rows[1].identity, "Ann Lee");
  EXPECT_EQ(rows[1].line, 3);
}

TEST(IdentityList, NamesFileAndLineOfABadRow) {
  const TempDir dir;
  const auto message_for = [&](const std::string& text) {
    const auto path = dir.write("l.tsv", text);
    return error_of(ErrorKind::kFormat, [&] { (void)read_identity_list(path); });
  };
  EXPECT_THAT(message_for("a.jpg\tA\na.jpg A\n"), AllOf(HasSubstr("l.tsv:2:"), HasSubstr("1 tab-separated")));
  EXPECT_THAT(message_for("a.jpg\tA\tB\n"), AllOf(HasSubstr("l.tsv:1:"), HasSubstr("3 tab-separated")));
  EXPECT_THAT(message_for("a.jpg\t\n"), HasSubstr("identity is empty"));
  EXPECT_THAT(message_for("/a.jpg\tA\n"), HasSubstr("'/a.jpg' does not lie below"));
  EXPECT_THAT(message_for("\n \n"), HasSubstr("list is empty"));
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { (void)read_identity_list(dir.file("none")); }),
              HasSubstr("none"));
}

TEST(LandmarkList, ReadsFivePointsInOrder) {
  const TempDir dir;
  const auto rows = read_landmark_list(dir.write("l.txt", std::string("a/x y.jpg\t") + kPoints + "\n"));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].path, "a/x y.jpg");
  EXPECT_EQ(rows[0].points, (std::array<double, 10>{1, 2, 3, 4.5, 5, 6, -7, 8, 9, 10}));
}

TEST(LandmarkList, NamesFileAndLineOfABadRow) {
  const TempDir dir;
  const std::string good = std::string("a.jpg\t") + kPoints + "\n";
  const auto message_for = [&](const std::string& text) {
    const auto path = dir.write("l.txt", text);
    return error_of(ErrorKind::kFormat, [&] { (void)read_landmark_list(path); });
  };
  EXPECT_THAT(message_for(good + "b.jpg\t1\t2\t3\t4\t5\t6\t7\t8\n"),
              AllOf(HasSubstr("l.txt:2:"), HasSubstr("got 8 number(s)")));
  EXPECT_THAT(message_for("b.jpg\t" + std::string(kPoints) + "\t1\t2\n"),
              AllOf(HasSubstr("l.txt:1:"), HasSubstr("got 12")));
  EXPECT_THAT(message_for("b.jpg\t1\t2\t3\t4px\t5\t6\t7\t8\t9\t10\n"), HasSubstr("y2 is '4px'"));
  EXPECT_THAT(message_for("b.jpg\t1\t2\t3\t4\t5\t6\t7\t8\tnan\t10\n"), HasSubstr("x5 is 'nan'"));
  EXPECT_THAT(message_for("b.jpg\t1\t2\t3\t4\t5\t6\t7\t8\t\t10\n"), HasSubstr("x5 is ''"));
  EXPECT_THAT(message_for("../b.jpg\t" + std::string(kPoints) + "\n"), HasSubstr("does not lie below"));
  EXPECT_THAT(message_for(good + "./" + good), AllOf(HasSubstr("l.txt:2:"), HasSubstr("first on line 1")));
  EXPECT_THAT(message_for(""), HasSubstr("list is empty"));
}

}  // namespace
}  // namespace aface
