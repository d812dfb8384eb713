// Forward pass and input gradient are one loop: pixels of the result, each the sum over taps of a source
// pixel's channels times a matrix. Registers hold up to fourteen neighbours in a row of the result with 32 of
// its channels, while the channels of the source go by in pairs, which is how the instruction takes them and
// how memory holds them. Taps that look beyond the border are left out. With a stride, the input's gradient
// is as many such results as the stride has remainders in each direction, with fewer taps each.
#include "aface/kernel/bf16_conv.h"

#include <algorithm>
#include <vector>

#include "aface/core/check.h"
#include "aface/kernel/bf16_products.h"
#include "aface/kernel/bf16_registers.h"
#include "aface/kernel/scratch.h"

namespace aface {

bool can_convolve_bf16(const Bf16ConvShape& shape) {
#ifdef __AVX512BF16__
  return has_bf16_products() && shape.batch > 0 && shape.in > 0 && shape.out > 0 && shape.in % 32 == 0 &&
         shape.out % 32 == 0 && shape.padding >= 0 && shape.padding < shape.kernel && shape.stride > 0 &&
         shape.height > 0 && shape.width > 0 && shape.height + 2 * shape.padding >= shape.kernel &&
         shape.width + 2 * shape.padding >= shape.kernel;
#else
  (void)shape;
  return false;
#endif
}

#ifdef __AVX512BF16__
namespace {

constexpr std::int64_t kChannels = 32;            // of the result at once
constexpr std::int64_t kMostPixels = 14;          // of the result at once
constexpr std::int64_t kWeightBytes = 300 << 10;  // that stay in the second cache
constexpr std::int64_t kImages = 4;               // in a slice

// One direction of the convolution: source pixels to result pixels.
struct Direction {
  std::int64_t height, width, channels;           // of the source
  std::int64_t to_height, to_width, to_channels;  // of the result
  bool is_gradient;
};

// Weights as [block of 32 result channels, tap, pair of source channels, 32, 2].
class PackedWeights {
 public:
  PackedWeights(const Bf16ConvShape& shape, const float* weight, bool is_gradient,
                const ForEachSlice& for_each_slice)
      : block_(shape.kernel * shape.kernel * (is_gradient ? shape.out : shape.in) * kChannels),
        values_(shape.in * shape.out * shape.kernel * shape.kernel) {
    const std::int64_t blocks = (is_gradient ? shape.in : shape.out) / kChannels;
    for_each_slice(blocks, [&](std::int64_t block) {
      is_gradient ? pack_gradient(shape, weight, block) : pack_forward(shape, weight, block);
    });
  }
  const Bf16* block(std::int64_t number) const { return values_.data() + number * block_; }
  std::int64_t block_size() const { return block_; }

 private:
  // Source channels are `in`, neighbours in `weight`.
  void pack_forward(const Bf16ConvShape& shape, const float* weight, std::int64_t block) {
    const std::int64_t taps = shape.kernel * shape.kernel, row = taps * shape.in;
    Bf16* out = values_.data() + block * block_;
    for (std::int64_t k = 0; k < kChannels; ++k) {
      const float* from = weight + (block * kChannels + k) * row;
      for (std::int64_t i = 0; i < row; i += 32) {
        alignas(64) int pairs[16];
        _mm512_store_si512(pairs, rounded(_mm512_loadu_ps(from + i), _mm512_loadu_ps(from + i + 16)));
        for (std::int64_t pair = 0; pair < 16; ++pair) {
          __builtin_memcpy(out + (i / 2 + pair) * 2 * kChannels + 2 * k, &pairs[pair], sizeof(int));
        }
      }
    }
  }

  // Source channels are `out`, a row of `weight` each. Taps in reverse: their sources then lie one after the
  // other.
  void pack_gradient(const Bf16ConvShape& shape, const float* weight, std::int64_t block) {
    const std::int64_t taps = shape.kernel * shape.kernel, row = taps * shape.in;
    Bf16* out = values_.data() + block * block_;
    for (std::int64_t tap = taps - 1; tap >= 0; --tap) {
      for (std::int64_t k = 0; k < shape.out; k += 2, out += 2 * kChannels) {
        const float *first = weight + k * row + tap * shape.in + block * kChannels, *second = first + row;
        const Interleaved both = interleave(rounded(_mm512_loadu_ps(first), _mm512_loadu_ps(first + 16)),
                                            rounded(_mm512_loadu_ps(second), _mm512_loadu_ps(second + 16)));
        _mm512_store_si512(out, both.low);
        _mm512_store_si512(out + kChannels, both.high);
      }
    }
  }

  std::int64_t block_;
  Scratch<Bf16> values_;
};

// Where a tap finds what it multiplies.
struct Tap {
  const Bf16 *source, *weights;
};

struct Sum {
  const Tap* taps;
  std::int64_t count;
  std::int64_t channels;      // of the source
  std::int64_t pixel, image;  // bytes from one source pixel to the next of the row, and to the next image
  bool starts;                // from 0 instead of what the sums are
};

template <int kPixels>
constexpr std::int64_t place_of_sums(int i) {
  return ((i / kPixels) * (kMostPixels / 2) + i % kPixels) * kChannels;
}

// sums [kImagesAtOnce, kPixels, 32] += over taps and source channels; images' sums are kMostPixels / 2 pixels
// apart.
template <int kImagesAtOnce, int kPixels>
AFACE_KEEP_IN_REGISTERS void add_taps(const Sum& sum, float* sums) {
  constexpr int kAll = kImagesAtOnce * kPixels;
  // Three pixels share an address that is kept: a load adds its register, or twice its register, for nothing.
  constexpr int kEach = (kPixels + 2) / 3;
  __m512 low[kAll], high[kAll];
  for_rows<kAll>([&](auto i) __attribute__((always_inline)) {
    const float* from = sums + place_of_sums<kPixels>(i());
    low[i()] = sum.starts ? _mm512_setzero_ps() : _mm512_load_ps(from);
    high[i()] = sum.starts ? _mm512_setzero_ps() : _mm512_load_ps(from + 16);
  });
  const std::int64_t channels = sum.channels, pixel = sum.pixel, image = sum.image;
  for (std::int64_t tap = 0; tap < sum.count; ++tap) {
    const Bf16* weights = sum.taps[tap].weights;
    const char* source[kImagesAtOnce * kEach];
    for_rows<kImagesAtOnce * kEach>([&](auto i) __attribute__((always_inline)) {
      source[i()] = reinterpret_cast<const char*>(sum.taps[tap].source) + (i() / kEach) * image +
                    3 * (i() % kEach) * pixel;
    });
    for (const Bf16* const end = weights + channels * kChannels; weights != end; weights += 2 * kChannels) {
      const __m512i weights_low = _mm512_load_si512(weights),
                    weights_high = _mm512_load_si512(weights + kChannels);
      for_rows<kAll>([&](auto i) __attribute__((always_inline)) {
        const int column = i() % kPixels;
        const __m512i value = repeated_pair(source[i() / kPixels * kEach + column / 3] + column % 3 * pixel);
        add_products(low[i()], weights_low, value);
        add_products(high[i()], weights_high, value);
      });
      for_rows<kImagesAtOnce * kEach>([&](auto i) __attribute__((always_inline)) {
        source[i()] += 2 * sizeof(Bf16);
      });
    }
  }
  for_rows<kAll>([&](auto i) __attribute__((always_inline)) {
    float* to = sums + place_of_sums<kPixels>(i());
    _mm512_store_ps(to, low[i()]);
    _mm512_store_ps(to + 16, high[i()]);
  });
}

using AddTaps = void (*)(const Sum&, float*);
constexpr AddTaps kOneImage[] = {add_taps<1, 1>,  add_taps<1, 2>,  add_taps<1, 3>,  add_taps<1, 4>,
                                 add_taps<1, 5>,  add_taps<1, 6>,  add_taps<1, 7>,  add_taps<1, 8>,
                                 add_taps<1, 9>,  add_taps<1, 10>, add_taps<1, 11>, add_taps<1, 12>,
                                 add_taps<1, 13>, add_taps<1, 14>};
constexpr AddTaps kTwoImages[] = {add_taps<2, 1>, add_taps<2, 2>, add_taps<2, 3>, add_taps<2, 4>,
                                  add_taps<2, 5>, add_taps<2, 6>, add_taps<2, 7>};

// floor(a / b) and the remainder that is not negative, for b > 0.
std::int64_t floor_divided(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Taps of one kernel column that look inside the source's row from results first .. last - 1 of a strip.
struct Reach {
  std::int64_t first, last;
  std::vector<std::int64_t> taps;     // kernel columns
  std::vector<std::int64_t> sources;  // and the source columns that they find for the strip's result number 0
};

// Some neighbours of a row of the result: columns offset + step i for i = begin .. end - 1.
struct Strip {
  std::int64_t offset, begin, end;
  std::vector<Reach> reaches;
};

class Pass {
 public:
  Pass(const Bf16ConvShape& shape, const Direction& direction, const PackedWeights& weights, const Bf16* from,
       Bf16* to)
      : shape_(shape),
        way_(direction),
        weights_(weights),
        from_(from),
        to_(to),
        result_step_(direction.is_gradient ? shape.stride : 1),
        source_step_(direction.is_gradient ? 1 : shape.stride) {
    const std::int64_t most_columns = (way_.to_width + result_step_ - 1) / result_step_;
    images_at_once_ = most_columns <= kMostPixels / 2 ? 2 : 1;
    for (std::int64_t offset = 0; offset < std::min(result_step_, way_.to_width); ++offset) {
      const std::int64_t columns = (way_.to_width - offset + result_step_ - 1) / result_step_;
      const std::int64_t most = kMostPixels / images_at_once_, count = (columns + most - 1) / most,
                         length = (columns + count - 1) / count;
      for (std::int64_t begin = 0; begin < columns; begin += length) {
        strips_.push_back(strip(offset, begin, std::min(columns, begin + length)));
      }
    }
  }

  // Some images and blocks of channels.
  void run(std::int64_t first, std::int64_t last, std::int64_t first_block, std::int64_t last_block) const {
    std::vector<Tap> taps(static_cast<std::size_t>(shape_.kernel * shape_.kernel));
    for (std::int64_t image = first; image < last; image += images_at_once_) {
      for (std::int64_t row = 0; row < way_.to_height; ++row) {
        for (std::int64_t block = first_block; block < last_block; ++block) {
          for (const Strip& strip : strips_) {
            add_strip({image, std::min(images_at_once_, last - image), row, block}, strip, taps.data());
          }
        }
      }
    }
  }

 private:
  // Of the result: images, row and block of channels.
  struct Place {
    std::int64_t image, images, row, block;
  };

  // Where tap number `tap` (as packed) of a direction looks from the result's pixel offset + result_step i:
  // source_step i + begin. False: nowhere.
  bool find_source(std::int64_t offset, std::int64_t tap, std::int64_t& begin) const {
    if (!way_.is_gradient) {
      begin = tap - shape_.padding;
      return true;
    }
    const std::int64_t distance = offset + shape_.padding - (shape_.kernel - 1 - tap);
    begin = floor_divided(distance, shape_.stride);
    return begin * shape_.stride == distance;
  }

  Strip strip(std::int64_t offset, std::int64_t begin, std::int64_t end) const {
    Strip result = {offset, begin, end, {}};
    for (std::int64_t tap = 0; tap < shape_.kernel; ++tap) {
      std::int64_t source = 0;
      if (!find_source(offset, tap, source)) continue;
      const std::int64_t first = std::max(begin, -floor_divided(source, source_step_));
      const std::int64_t last = std::min(end, floor_divided(way_.width - 1 - source, source_step_) + 1);
      if (first >= last) continue;
      const auto same = std::find_if(result.reaches.begin(), result.reaches.end(), [&](const Reach& reach) {
        return reach.first == first && reach.last == last;
      });
      Reach& reach =
          same != result.reaches.end() ? *same : result.reaches.emplace_back(Reach{first, last, {}, {}});
      reach.taps.push_back(tap);
      reach.sources.push_back(source);
    }
    std::stable_sort(result.reaches.begin(), result.reaches.end(),
                     [](const Reach& a, const Reach& b) { return a.last - a.first > b.last - b.first; });
    return result;
  }

  void add_strip(const Place& place, const Strip& strip, Tap* taps) const {
    alignas(64) float sums[kMostPixels * kChannels];
    const bool fills =
        !strip.reaches.empty() && strip.reaches[0].first == strip.begin && strip.reaches[0].last == strip.end;
    if (!fills) std::fill(std::begin(sums), std::end(sums), 0.0F);
    bool starts = fills;
    for (const Reach& reach : strip.reaches) {
      const Sum sum = {taps,
                       collect(place, reach, taps),
                       way_.channels,
                       source_step_ * way_.channels * std::int64_t{sizeof(Bf16)},
                       way_.height * way_.width * way_.channels * std::int64_t{sizeof(Bf16)},
                       starts};
      (place.images == 2 ? kTwoImages : kOneImage)[reach.last - reach.first - 1](
          sum, sums + (reach.first - strip.begin) * kChannels);
      starts = false;
    }
    store(place, strip, sums);
  }

  // The taps of a reach whose row exists; how many.
  std::int64_t collect(const Place& place, const Reach& reach, Tap* taps) const {
    std::int64_t count = 0;
    for (std::int64_t r = 0; r < shape_.kernel; ++r) {
      std::int64_t row = 0;
      if (!find_source(place.row % result_step_, r, row)) continue;
      row += place.row / result_step_ * source_step_;
      if (row < 0 || row >= way_.height) continue;
      const Bf16* source_row = from_ + (place.image * way_.height + row) * way_.width * way_.channels;
      for (std::size_t i = 0; i < reach.taps.size(); ++i) {
        taps[count++] = {
            source_row + (reach.sources[i] + reach.first * source_step_) * way_.channels,
            weights_.block(place.block) + (r * shape_.kernel + reach.taps[i]) * way_.channels * kChannels};
      }
    }
    return count;
  }

  void store(const Place& place, const Strip& strip, const float* sums) const {
    for (std::int64_t i = 0; i < place.images; ++i) {
      Bf16* to = to_ +
                 (((place.image + i) * way_.to_height + place.row) * way_.to_width + strip.offset) *
                     way_.to_channels +
                 place.block * kChannels;
      for (std::int64_t column = strip.begin; column < strip.end; ++column) {
        const float* values = sums + (i * (kMostPixels / 2) + column - strip.begin) * kChannels;
        _mm512_storeu_si512(to + column * result_step_ * way_.to_channels,
                            rounded(_mm512_load_ps(values), _mm512_load_ps(values + 16)));
      }
    }
  }

  const Bf16ConvShape& shape_;
  const Direction& way_;
  const PackedWeights& weights_;
  const Bf16* from_;
  Bf16* to_;
  std::int64_t result_step_, source_step_, images_at_once_ = 1;
  std::vector<Strip> strips_;
};

void convolve(const Bf16ConvShape& shape, const Direction& direction, const Bf16* from, const float* weight,
              Bf16* to, const ForEachSlice& for_each_slice) {
  const PackedWeights weights(shape, weight, direction.is_gradient, for_each_slice);
  const Pass pass(shape, direction, weights, from, to);
  const std::int64_t blocks = direction.to_channels / kChannels;
  const auto bytes = static_cast<std::int64_t>(sizeof(Bf16)) * weights.block_size();
  const std::int64_t at_once = std::clamp<std::int64_t>(kWeightBytes / bytes, 1, blocks);
  const std::int64_t groups = (blocks + at_once - 1) / at_once,
                     slices = (shape.batch + kImages - 1) / kImages;
  for_each_slice(groups * slices, [&](std::int64_t number) {
    const std::int64_t block = number / slices * at_once, image = number % slices * kImages;
    pass.run(image, std::min(shape.batch, image + kImages), block, std::min(blocks, block + at_once));
  });
}

}  // namespace

void bf16_conv_forward(const Bf16ConvShape& shape, const Bf16* x, const float* weight, Bf16* y,
                       const ForEachSlice& for_each_slice) {
  AFACE_CHECK(can_convolve_bf16(shape), "no loops for this convolution");
  const Direction forward = {shape.height,      shape.width, shape.in, shape.out_height(),
                             shape.out_width(), shape.out,   false};
  convolve(shape, forward, x, weight, y, for_each_slice);
}

void bf16_conv_input_gradient(const Bf16ConvShape& shape, const Bf16* dy, const float* weight, Bf16* dx,
                              const ForEachSlice& for_each_slice) {
  AFACE_CHECK(can_convolve_bf16(shape), "no loops for this convolution");
  const Direction backward = {shape.out_height(), shape.out_width(), shape.out, shape.height,
                              shape.width,        shape.in,          true};
  convolve(shape, backward, dy, weight, dx, for_each_slice);
}
#else
void bf16_conv_forward(const Bf16ConvShape&, const Bf16*, const float*, Bf16*, const ForEachSlice&) {
  AFACE_CHECK(false, "no loops for this convolution");
}

void bf16_conv_input_gradient(const Bf16ConvShape&, const Bf16*, const float*, Bf16*, const ForEachSlice&) {
  AFACE_CHECK(false, "no loops for this convolution");
}
#endif

}  // namespace aface
