#include "aface/core/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "aface/core/random.h"

namespace aface {
namespace {

std::vector<unsigned char> random_bytes(std::size_t count) {
  Random random(7);
  std::vector<unsigned char> bytes(count);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random.below(256));
  return bytes;
}

std::uint64_t checksum_of(const std::vector<unsigned char>& bytes) {
  Checksum checksum;
  checksum.add(bytes.data(), bytes.size());
  return checksum.value();
}

TEST(Checksum, DoesNotDependOnHowTheStreamIsCut) {
  const std::vector<unsigned char> bytes = random_bytes(1000);
  const std::uint64_t whole = checksum_of(bytes);
  Random random(8);
  for (int round = 0; round < 200; ++round) {
    Checksum pieces;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t count =
          std::min(bytes.size() - at, static_cast<std::size_t>(random.below(round % 2 ? 9 : 150)));
      pieces.add(bytes.data() + at, count);
      at += count;
    }
    EXPECT_EQ(pieces.value(), whole) << round;
  }
}

TEST(Checksum, EveryFlippedBitIsSeen) {
  std::vector<unsigned char> bytes = random_bytes(203);
  std::set<std::uint64_t> seen = {checksum_of(bytes)};
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
    EXPECT_TRUE(seen.insert(checksum_of(bytes)).second) << bit;
    bytes[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
  }
}

TEST(Checksum, EveryLengthDiffers) {
  std::set<std::uint64_t> seen;
  for (std::size_t count = 0; count < 200; ++count) {
    EXPECT_TRUE(seen.insert(checksum_of(std::vector<unsigned char>(count, 0))).second) << count;
  }
}

TEST(Checksum, SwappedWordsAreSeen) {
  std::vector<unsigned char> bytes = random_bytes(256);
  const std::uint64_t whole = checksum_of(bytes);
  for (std::size_t word = 1; word < bytes.size() / 8; ++word) {
    std::swap_ranges(bytes.begin(), bytes.begin() + 8, bytes.begin() + static_cast<std::ptrdiff_t>(8 * word));
    EXPECT_NE(checksum_of(bytes), whole) << word;
    std::swap_ranges(bytes.begin(), bytes.begin() + 8, bytes.begin() + static_cast<std::ptrdiff_t>(8 * word));
  }
}

}  // namespace
}  // namespace aface
