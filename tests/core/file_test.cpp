#include "aface/core/file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "aface/core/mapped_file.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using testing::HasSubstr;

TEST(WriteFileAtomically, APipeIsWrittenToAndStaysAPipe) {
  const test::TempDir dir;
  const std::string pipe = dir.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = read_text_file(pipe); });
  write_file_atomically(pipe, "numbers");
  reader.join();
  EXPECT_EQ(read, "numbers");
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST(WriteFileAtomically, AFullDeviceIsAnErrorAndStaysADevice) {
  if (!std::filesystem::is_character_file("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  EXPECT_THAT(test::error_of(ErrorKind::kIo, [] { write_file_atomically("/dev/full", "numbers"); }),
              HasSubstr("/dev/full: cannot write"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

TEST(MappedFile, HoldsTheBytesOfTheFile) {
  const test::TempDir dir;
  const MappedFile file(dir.write("f", "abc"));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.data()), file.size()), "abc");
  EXPECT_EQ(MappedFile(dir.write("empty", "")).size(), 0U);
  EXPECT_THAT(test::error_of(ErrorKind::kIo, [&] { MappedFile(dir.file("none")); }),
              HasSubstr("none: cannot open"));
}

}  // namespace
}  // namespace aface
