#include "aface/serve/secret.h"

#include <gtest/gtest.h>

namespace aface {
namespace {

TEST(Secret, OnlyTheWholeSecretIsIt) {
  const std::string secret = "0123456789abcdef";
  EXPECT_TRUE(is_secret(secret, secret));
  for (std::size_t size = 0; size < secret.size(); ++size)
    EXPECT_FALSE(is_secret(secret.substr(0, size), secret)) << size;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string wrong = secret;
      wrong[i] = static_cast<char>(wrong[i] ^ (1 << bit));
      EXPECT_FALSE(is_secret(wrong, secret));
    }
  }
  EXPECT_FALSE(is_secret(secret + secret, secret));
  EXPECT_FALSE(is_secret(secret + std::string(1, '\0'), secret));
  EXPECT_FALSE(is_secret("x", ""));
}

}  // namespace
}  // namespace aface
