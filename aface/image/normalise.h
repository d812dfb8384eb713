#pragma once

#include <cstddef>
#include <cstdint>

namespace aface {

// What networks are fed: out[i] = (pixels[i] - 127.5) / 127.5, in [-1, 1].
void normalise_pixels(const std::uint8_t* pixels, std::size_t count, float* out);

}  // namespace aface
