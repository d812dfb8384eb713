#include "aface/io/column_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using testing::HasSubstr;

TEST(ColumnList, FieldsByNameWhateverTheOrderOfColumns) {
  const test::TempDir dir;
  dir.write("list.tsv", "b\tname\ta\n0.5\tx y\t7\n\n-1e3\tz\t-8\n");
  const ColumnList list = read_columns(dir.file("list.tsv"), {"a", "b", "name"});
  ASSERT_EQ(list.rows.size(), 2u);
  EXPECT_EQ(list.integer(0, 0), 7);
  EXPECT_EQ(list.number(0, 1), 0.5);
  EXPECT_EQ(list.text(0, 2), "x y");
  EXPECT_EQ(list.integer(1, 0), -8);
  EXPECT_EQ(list.number(1, 1), -1000);
  EXPECT_EQ(list.lines, (std::vector<std::int64_t>{2, 4}));
}

TEST(ColumnList, FaultsNameFileAndLine) {
  const test::TempDir dir;
  dir.write("list.tsv", "a\tb\n1\t2\n3\n");
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { read_columns(dir.file("list.tsv"), {"a"}); }),
              HasSubstr("list.tsv:3: 1 fields (expected 2"));
  dir.write("list.tsv", "a\tb\n1\tx2\n");
  EXPECT_THAT(test::error_of(ErrorKind::kFormat,
                             [&] {
                               read_columns(dir.file("list.tsv"), {"a", "c"});
                             }),
              HasSubstr("no column 'c'"));
  const ColumnList list = read_columns(dir.file("list.tsv"), {"b"});
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { list.number(0, 0); }), HasSubstr("list.tsv:2: 'x2'"));
}

}  // namespace
}  // namespace aface
