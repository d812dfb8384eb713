#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace aface {

// 64 bits over a stream of bytes, however it is cut into pieces. Four lanes take eight bytes each in turn, so
// that it is as fast as memory is read. Every step is a bijection of its lane: damage within one word of
// eight bytes is always seen, any other but for one in 2^64. Tells damage, guards against nobody.
class Checksum {
 public:
  void add(const void* data, std::size_t size);
  std::uint64_t value() const;

 private:
  static constexpr std::size_t kLanes = 4;
  static constexpr std::size_t kStripe = 8 * kLanes;

  static void mix(std::uint64_t& lane, std::uint64_t word);
  void add_stripes(const unsigned char* bytes, std::size_t stripes);

  std::array<std::uint64_t, kLanes> lanes_{0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL,
                                           0xa4093822299f31d0ULL, 0x082efa98ec4e6c89ULL};  // digits of pi
  std::array<unsigned char, kStripe> tail_{};  // of the stream, its last size_ % kStripe bytes
  std::uint64_t size_ = 0;
};

}  // namespace aface
