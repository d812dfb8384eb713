#include "aface/core/random.h"

#include <cmath>

#include "aface/core/check.h"

namespace aface {
namespace {

// splitmix64: spreads a seed over all bits.
std::uint64_t mix(std::uint64_t& z) {
  z += 0x9e3779b97f4a7c15ULL;
  std::uint64_t r = z;
  r = (r ^ (r >> 30)) * 0xbf58476d1ce4e5b9ULL;
  r = (r ^ (r >> 27)) * 0x94d049bb133111ebULL;
  return r ^ (r >> 31);
}

std::uint64_t rotate_left(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

}  // namespace

Random::Random(std::uint64_t seed, std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = seed;
  z = mix(z) ^ a;
  z = mix(z) ^ b;
  for (auto& word : state_) word = mix(z);
}

std::uint64_t Random::next() {
  const std::uint64_t result = rotate_left(state_[0] + state_[3], 23) + state_[0];
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

double Random::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Random::uniform(double low, double high) { return low + (high - low) * uniform(); }

double Random::normal() {
  // Box-Muller; the second value is thrown away so that the state is the whole state.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(6.283185307179586476925 * uniform());
}

std::int64_t Random::below(std::int64_t n) {
  AFACE_CHECK(n > 0, "below({})", n);
  const auto bound = static_cast<std::uint64_t>(n);
  const std::uint64_t reject_under = (0 - bound) % bound;
  std::uint64_t draw = next();
  while (draw < reject_under) draw = next();
  return static_cast<std::int64_t>(draw % bound);
}

bool Random::chance(double probability) { return uniform() < probability; }

}  // namespace aface
