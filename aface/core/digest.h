#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace aface {

// FNV-1a, 64 bits (Fowler, Noll, Vo): tells things apart, guards against nobody.
class Digest {
 public:
  void add(const std::string& text) {
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
    add_byte(0);  // ends the text, so that "ab", "c" is not "a", "bc"
  }
  void add(std::uint64_t number) {
    for (int byte = 0; byte < 8; ++byte) add_byte(static_cast<unsigned char>(number >> (8 * byte)));
  }
  // Eight bytes at a time, as pictures are long.
  void add(const unsigned char* bytes, std::size_t size) {
    std::size_t at = 0;
    for (; at + 8 <= size; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + at, sizeof word);
      value_ = (value_ ^ word) * 0x9e3779b97f4a7c15ULL;
      value_ ^= value_ >> 32;  // a product carries upwards only
    }
    for (; at < size; ++at) add_byte(bytes[at]);
    add(static_cast<std::uint64_t>(size));
  }
  std::uint64_t value() const { return value_; }

 private:
  void add_byte(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001b3ULL; }

  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace aface
