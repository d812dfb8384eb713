#include "aface/core/sha256.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace aface {
namespace {

std::string digest_of(const std::string& text) { return hex_text(sha256(text.data(), text.size())); }

// The examples of FIPS 180-4 and NIST's test vectors.
TEST(Sha256, KnowsTheExamplesOfTheStandard) {
  EXPECT_EQ(digest_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest_of(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesAreCut) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 37);
  for (std::size_t size = 0; size <= text.size(); size += 7) {
    const std::string whole = digest_of(text.substr(0, size));
    for (std::size_t piece = 1; piece < 140; piece += 13) {
      Sha256 digest;
      for (std::size_t at = 0; at < size; at += piece) digest.add(text.substr(at, std::min(piece, size - at)));
      EXPECT_EQ(hex_text(digest.finish()), whole) << size << " bytes in pieces of " << piece;
    }
  }
}

}  // namespace
}  // namespace aface
