#include "aface/core/checksum.h"

#include <algorithm>
#include <cstring>

namespace aface {

void Checksum::mix(std::uint64_t& lane, std::uint64_t word) {
  lane = (lane ^ word) * 0x9e3779b97f4a7c15ULL;
  lane ^= lane >> 32;  // a product carries upwards only
}

void Checksum::add_stripes(const unsigned char* bytes, std::size_t stripes) {
  std::array<std::uint64_t, kLanes> lanes = lanes_;  // in registers
  for (std::size_t i = 0; i < stripes; ++i, bytes += kStripe) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + 8 * lane, sizeof word);
      mix(lanes[lane], word);
    }
  }
  lanes_ = lanes;
}

void Checksum::add(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  const std::size_t held = size_ % kStripe;
  size_ += size;
  if (held > 0) {
    const std::size_t taken = std::min(size, kStripe - held);
    std::copy_n(bytes, taken, tail_.data() + held);
    bytes += taken;
    size -= taken;
    if (held + taken < kStripe) return;
    add_stripes(tail_.data(), 1);
  }
  add_stripes(bytes, size / kStripe);
  std::copy_n(bytes + size / kStripe * kStripe, size % kStripe, tail_.data());
}

std::uint64_t Checksum::value() const {
  std::uint64_t result = size_;
  for (const std::uint64_t lane : lanes_) mix(result, lane);
  std::array<unsigned char, kStripe> padded{};
  std::copy_n(tail_.begin(), size_ % kStripe, padded.begin());
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    std::uint64_t word = 0;
    std::memcpy(&word, padded.data() + 8 * lane, sizeof word);
    mix(result, word);
  }
  return result;
}

}  // namespace aface
