#pragma once

#include <string>

namespace aface {

// Whether `given` is the secret, in a time that depends on the length of `given` alone: nobody learns from
// how long a refusal takes how much of a guess was right.
inline bool is_secret(const std::string& given, const std::string& secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto expected = static_cast<unsigned char>(secret.empty() ? 0 : secret[i % secret.size()]);
    difference |= static_cast<unsigned char>(given[i]) ^ expected;
  }
  return difference == 0;
}

}  // namespace aface
