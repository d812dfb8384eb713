#include "aface/image/normalise.h"

#include <cmath>

namespace aface {
namespace {

constexpr float kHalf = 127.5F;

// centred / kHalf. Where the processor multiplies and adds in one go, two corrections of a product give what
// the division gives, for all 256 values (there is a test), in a fraction of its time.
inline float divide(float centred) {
#ifdef __FMA__
  constexpr float kInverse = 1 / kHalf;
  const float near = centred * kInverse;
  const float rest = std::fma(-near, kHalf, centred);
  return std::fma(rest, kInverse, near);
#else
  return centred / kHalf;
#endif
}

}  // namespace

void normalise_pixels(const std::uint8_t* pixels, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = divide(static_cast<float>(pixels[i]) - kHalf);
}

}  // namespace aface
