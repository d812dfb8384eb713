#include "aface/prototype/flat_rows.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "aface/core/available_memory.h"
#include "aface/core/error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

std::size_t files_in(const std::string& folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST(FlatRows, AreZerosThatKeepWhatIsWritten) {
  const test::TempDir folder;
  for (const std::string& place : {std::string(), folder.path()}) {
    FlatRows rows(1000, 7, place);
    EXPECT_EQ(rows.bytes(), 28000U);
    for (std::int64_t i = 0; i < 1000; ++i) {
      for (std::int64_t j = 0; j < 7; ++j) ASSERT_EQ(rows.row(i)[j], 0);
      rows.row(i)[i % 7] = static_cast<float>(i);
    }
    const RowMatrix matrix = rows.matrix();
    for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(matrix.row(i)[i % 7], static_cast<float>(i));
  }
}

TEST(FlatRows, FileHasNoNameSoNothingIsLeftBehind) {
  const test::TempDir folder;
  const std::string place = folder.file("new/deep");
  FlatRows rows(10, 10, place);
  EXPECT_EQ(files_in(place), 0U);
  EXPECT_EQ(rows.row(9)[9], 0);
}

TEST(FlatRows, AFileThatDoesNotFitIsAnErrorAtOnce) {
  const test::TempDir folder;
  try {
    FlatRows rows(std::int64_t{1} << 40, 512, folder.path());  // 2 petabytes
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_NE(std::string(error.what()).find(folder.path()), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("2.3 PB"), std::string::npos) << error.what();
  }
  EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(FlatRows, AnAddressRangeThatIsNotThereIsAnError) {
  EXPECT_THROW(FlatRows(std::int64_t{1} << 45, 512), Error);
}

TEST(AvailableMemory, IsSomeAndNotMoreThanTheMachineHas) {
  const std::uint64_t free = available_memory();
  EXPECT_GT(free, std::uint64_t{1} << 20);
  EXPECT_LT(free, std::uint64_t{1} << 50);
}

TEST(AvailableMemory, BytesAreWrittenWithTwoDigitsOrMore) {
  EXPECT_EQ(bytes_text(0), "0 bytes");
  EXPECT_EQ(bytes_text(999), "999 bytes");
  EXPECT_EQ(bytes_text(1000), "1.0 kB");
  EXPECT_EQ(bytes_text(4.096e9), "4.1 GB");
  EXPECT_EQ(bytes_text(999.7e6), "1.0 GB");
  EXPECT_EQ(bytes_text(123.4e12), "123 TB");
}

}  // namespace
}  // namespace aface
