#include "aface/core/base64.h"

#include <gtest/gtest.h>

#include <string>

namespace aface {
namespace {

std::string encoded(const std::string& text) {
  return base64(Span<const unsigned char>(reinterpret_cast<const unsigned char*>(text.data()), text.size()));
}

// RFC 4648, section 10.
TEST(Base64, GivesTheVectorsOfTheStandard) {
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded("\xFB\xFF\xFE"), "+//+");
}

}  // namespace
}  // namespace aface
