#include "aface/core/digest.h"

#include <gtest/gtest.h>

namespace aface {
namespace {

std::uint64_t of(const std::string& text) {
  Digest digest;
  digest.add(text);
  return digest.value();
}

TEST(Digest, IsFowlerNollVo1aOfTheTextAndAZeroByte) {
  EXPECT_EQ(Digest().value(), 0xcbf29ce484222325ULL);
  EXPECT_EQ(of(""), 0xaf63bd4c8601b7dfULL);                      // published for one zero byte
  EXPECT_EQ(of("a"), 0xaf63dc4c8601ec8cULL * 0x100000001b3ULL);  // published for "a", then the zero byte
}

TEST(Digest, TellsWhereATextEnds) {
  Digest one, two;
  one.add("ab"), one.add("c");
  two.add("a"), two.add("bc");
  EXPECT_NE(one.value(), two.value());
}

TEST(Digest, SeesEveryByteOfANumber) {
  Digest low, high;
  low.add(std::uint64_t{1});
  high.add(std::uint64_t{1} << 56);
  EXPECT_NE(low.value(), high.value());
}

}  // namespace
}  // namespace aface
