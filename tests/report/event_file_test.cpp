#include "aface/report/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "aface/core/file.h"
#include "aface/report/crc32c.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

// The definition, one bit at a time.
std::uint32_t bitwise_crc32c(const std::string& bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T value;
  if (at + sizeof value > bytes.size()) throw std::runtime_error("too short");
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::uint32_t unmasked(std::uint32_t masked) {
  const std::uint32_t rotated = masked - 0xa282ead8;
  return rotated << 15 | rotated >> 17;
}

// Takes the framing apart and checks both sums of every record.
std::vector<std::string> read_records(const std::string& path) {
  const std::string bytes = read_text_file(path);
  std::vector<std::string> records;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = number_at<std::uint64_t>(bytes, at);
    EXPECT_EQ(unmasked(number_at<std::uint32_t>(bytes, at + 8)), bitwise_crc32c(bytes.substr(at, 8)));
    records.push_back(bytes.substr(at + 12, length));
    EXPECT_EQ(unmasked(number_at<std::uint32_t>(bytes, at + 12 + length)), bitwise_crc32c(records.back()));
    at += 16 + length;
  }
  return records;
}

std::string fixed64(double value) { return std::string(reinterpret_cast<const char*>(&value), 8); }
std::string fixed32(float value) { return std::string(reinterpret_cast<const char*>(&value), 4); }

TEST(Crc32c, AgreesWithPublishedValuesAndTheBitwiseDefinition) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c(""), 0u);
  for (std::size_t size = 0; size < 300; size += 7) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * i + size);
    EXPECT_EQ(crc32c(bytes), bitwise_crc32c(bytes));
    EXPECT_EQ(unmasked(masked_crc32c(bytes)), crc32c(bytes));
  }
}

TEST(EventFile, HoldsTheProtocolBuffersByteForByte) {
  const test::TempDir dir;
  {
    EventFile file(dir.file("events"), 301, 1.5);
    file.write(302, {{"loss", 7.25}, {"a/b", -1}}, 2.5);
  }
  const std::vector<std::string> records = read_records(dir.file("events"));
  ASSERT_EQ(records.size(), 3u);
  // Key bytes are field * 8 + wire type: 09 wall_time, 10 step, 1a file_version, 2a summary, 3a session_log.
  EXPECT_EQ(records[0], "\x09" + fixed64(1.5) + std::string("\x10\x00\x1a\x0d", 4) + "brain.Event:2");
  EXPECT_EQ(records[1], "\x09" + fixed64(1.5) + "\x10\xad\x02\x3a\x02\x08\x01");
  const std::string loss = "\x0a\x04loss\x15" + fixed32(7.25f), other =
                                                                    "\x0a\x03"
                                                                    "a/b\x15" +
                                                                    fixed32(-1);
  EXPECT_EQ(records[2],
            "\x09" + fixed64(2.5) + "\x10\xae\x02\x2a\x19" + "\x0a\x0b" + loss + "\x0a\x0a" + other);
}

TEST(EventFile, KeepsNonFiniteValues) {
  const test::TempDir dir;
  EventFile(dir.file("events"), 0, 1).write(1, {{"x", std::numeric_limits<double>::infinity()}}, 1);
  const std::string last = read_records(dir.file("events")).back();
  EXPECT_TRUE(std::isinf(number_at<float>(last, last.size() - 4)));
}

}  // namespace
}  // namespace aface
