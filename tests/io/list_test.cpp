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

TEST(IdentityList, FormsOfTheFieldAreToldApartByTheFirstRow) {
  const TempDir dir;
  const auto rows_of = [&](const std::string& text) {
    std::string all;
    for (const auto& row : read_identity_list(dir.write("l.txt", text)))
      all += row.path + "=" + row.identity + ";";
    return all;
  };
  EXPECT_EQ(rows_of("a/1.jpg 0\nmy photos/2.jpg 12\n"), "a/1.jpg=0;my photos/2.jpg=12;");
  EXPECT_EQ(rows_of("a/1.jpg 0 7 0\nb c/2.jpg 0 8 0\n"), "a/1.jpg=7;b c/2.jpg=8;");
  EXPECT_EQ(rows_of("0\t12.000000\ta/1.jpg\n1\t13\t0.5\tb/2.png\n"), "a/1.jpg=12;b/2.png=13;");
  EXPECT_EQ(rows_of("1\ta/1.jpg\t5\n1\tb/2.JPG\t6\t10\t20\n"), "a/1.jpg=5;b/2.JPG=6;");
  EXPECT_EQ(rows_of("a b.jpg\tAnn Lee\n"), "a b.jpg=Ann Lee;");
  const auto message_for = [&](const std::string& text) {
    return error_of(ErrorKind::kFormat, [&] { (void)rows_of(text); });
  };
  EXPECT_THAT(message_for("a.jpg 0\nb.jpg\n"), HasSubstr("l.txt:2: expected 'path label'"));
  EXPECT_THAT(message_for("a.jpg 0\nb.jpg\t0\n"), HasSubstr("l.txt:2: expected words between blanks"));
  EXPECT_THAT(message_for("a.jpg 0 3 0\nb.jpg 3\n"), HasSubstr("l.txt:2: expected 'path 0 label 0'"));
  EXPECT_THAT(message_for("1\t2\ta.jpg\n1\ta.jpg\n"),
              HasSubstr("l.txt:2: expected index<TAB>label<TAB>path"));
  EXPECT_THAT(message_for("a.jpg\n"), HasSubstr("l.txt:1:"));
  EXPECT_THAT(message_for("1\t2\t/a.jpg\n"), HasSubstr("does not lie below"));
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
