#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace aface {

// SHA-256 (FIPS 180-4): names a photo or a model by its bytes so that nobody can make another one of the same name.
class Sha256 {
 public:
  using Value = std::array<unsigned char, 32>;

  void add(const void* data, std::size_t size);
  void add(const std::string& text) { add(text.data(), text.size()); }
  // The digest of what was added so far; ends the object's use.
  Value finish();

 private:
  void add_block(const unsigned char* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> block_{};
  std::size_t filled_ = 0;  // bytes of block_
  std::uint64_t size_ = 0;  // bytes in all
};

Sha256::Value sha256(const void* data, std::size_t size);

// Lower-case hex digits, two a byte.
std::string hex_text(const unsigned char* bytes, std::size_t size);
inline std::string hex_text(const Sha256::Value& value) { return hex_text(value.data(), value.size()); }

}  // namespace aface
