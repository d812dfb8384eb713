#include "aface/io/feature_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "aface/core/file.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string file_of(const std::string& bytes) {
  static const test::TempDir folder;
  return folder.write("x.jpg_r100.bin", bytes);
}

std::string header(std::int32_t rows, std::int32_t columns, std::int32_t stride, std::int32_t type) {
  const std::int32_t numbers[] = {rows, columns, stride, type};
  return std::string(reinterpret_cast<const char*>(numbers), sizeof numbers);
}

// 1 and -0.5 in a matrix of 2 x 1, byte by byte.
const std::string kTwoNumbers(
    "\x02\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x05\x00\x00\x00\x00\x00\x80\x3f\x00\x00\x00\xbf", 24);

TEST(FeatureFile, ReadsAColumnAndARow) {
  EXPECT_THAT(read_feature_file(file_of(kTwoNumbers)), ElementsAre(1.0f, -0.5f));
  EXPECT_THAT(read_feature_file(file_of(header(1, 2, 8, 5) + kTwoNumbers.substr(16))),
              ElementsAre(1.0f, -0.5f));
}

TEST(FeatureFile, OtherHeadersAreNamed) {
  const std::string values = kTwoNumbers.substr(16);
  const auto message = [&](const std::string& bytes) {
    return test::error_of(ErrorKind::kFormat, [&] { read_feature_file(file_of(bytes)); });
  };
  EXPECT_THAT(message(header(2, 1, 4, 6) + values), HasSubstr("x.jpg_r100.bin: element type 6"));
  EXPECT_THAT(message(header(2, 2, 8, 5) + values + values), HasSubstr("a matrix of 2 x 2"));
  EXPECT_THAT(message(header(-2, 1, 4, 5) + values), HasSubstr("a matrix of -2 x 1"));
  EXPECT_THAT(message(header(2, 1, 8, 5) + values), HasSubstr("8 bytes from row to row (expected 4)"));
  EXPECT_THAT(message(header(3, 1, 4, 5) + values), HasSubstr("promises 3 float32 but 8 bytes"));
  EXPECT_THAT(message(header(2147483647, 1, 4, 5) + values), HasSubstr("promises 2147483647 float32"));
  EXPECT_THAT(message(kTwoNumbers + "x"), HasSubstr("9 bytes follow"));
}

TEST(FeatureFile, EveryTruncationIsAFormatError) {
  for (std::size_t size = 0; size < kTwoNumbers.size(); ++size) {
    test::error_of(ErrorKind::kFormat, [&] { read_feature_file(file_of(kTwoNumbers.substr(0, size))); });
  }
  test::error_of(ErrorKind::kIo, [] { read_feature_file("/nowhere/x.bin"); });
}

}  // namespace
}  // namespace aface
