#pragma once

#include <cstddef>
#include <cstdint>

namespace aface {

// Activations lie in blocks of channels, as oneDNN's convolutions like them: [images, channels / kBlock,
// rows, columns, kBlock]. Channels beyond the last are zero and stay so. Arrays per channel are padded with
// zeros to whole blocks.
constexpr std::int64_t kBlock = 16;

inline std::int64_t blocks_of(std::int64_t channels) { return (channels + kBlock - 1) / kBlock; }

struct BlockedShape {
  std::int64_t images = 0, channels = 0, rows = 0, columns = 0;
  std::int64_t pixels() const { return rows * columns; }
};

// All run on the caller's OpenMP threads. y = max(x, 0) + slope[c] min(x, 0):
void prelu_in_place(const BlockedShape& shape, const float* slopes, float* values);
// out = scale[c] in + shift[c]
void scale_shift(const BlockedShape& shape, const float* scale, const float* shift, const float* in,
                 float* out);

// 3x3, one pixel of zeros around, stride 1 or 2; channel c sees itself (group 1) or both of its pair (group
// 2).
struct ChannelConvolution {
  BlockedShape in;
  std::int64_t stride = 1, group = 1;
  const float* weights = nullptr;  // [blocks, group, 9, kBlock], see pack_channel_weights()
  const float* bias = nullptr;
  const float* slopes = nullptr;  // of a PReLU that follows; null: none

  BlockedShape out() const {
    return {in.images, in.channels, (in.rows - 1) / stride + 1, (in.columns - 1) / stride + 1};
  }
};
void convolve_channels(const ChannelConvolution& convolution, const float* in, float* out);

// From weight [channels, group, 3, 3] to [blocks, group, 9, kBlock], padded with zeros. Entry [., 0, ., c]
// belongs to the even channel of a pair, [., 1, ., c] to the odd one, whatever c is.
void pack_channel_weights(std::int64_t channels, std::int64_t group, const float* weight, float* packed);

}  // namespace aface
