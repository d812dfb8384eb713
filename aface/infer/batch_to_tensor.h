#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "aface/core/span.h"
#include "aface/data/batch.h"

namespace aface {

// How a float tensor [batch, 3, height, width] lies in memory; which is faster depends on network and device.
enum class ChipLayout { kChannelsFirst, kChannelsLast };

// The one place where pixels become numbers: float32 [count, 3, size_px, size_px], RGB,
//   chips[i, c, y, x] = (pixels[i, y, x, c] - 127.5) / 127.5     in [-1, 1]
// `pixels` holds count * size_px^2 * 3 bytes; they are copied, and travel to `device` as bytes.
at::Tensor pixels_to_tensor(Span<const std::uint8_t> pixels, std::int64_t count, std::int64_t size_px,
                            at::Device device = at::kCPU, ChipLayout layout = ChipLayout::kChannelsFirst);
at::Tensor batch_to_tensor(const Batch& batch, at::Device device = at::kCPU,
                           ChipLayout layout = ChipLayout::kChannelsFirst);

// int64 [batch].
at::Tensor identities_to_tensor(const Batch& batch, at::Device device = at::kCPU);

}  // namespace aface
