// The gradient of a convolution's weights,
//   dw[k, r, s, c] = sum over images n and pixels p, q of dy[n, p, q, k] x[n, p stride + r - padding, q
//   stride + s - padding, c]
// as products of matrices over pixels. The instruction multiplies two neighbours at once; here they are the
// same pixel of two images, so that a tap is a matter of addresses, whatever the width and the stride, and
// taps that look beyond the border are left out. Rows of pixels are copied into such pairs, a piece at a time
// that stays in the cache with its sums.
#include <algorithm>

#include "aface/core/check.h"
#include "aface/kernel/bf16_conv.h"
#include "aface/kernel/bf16_registers.h"
#include "aface/kernel/scratch.h"

namespace aface {

#ifdef __AVX512BF16__
namespace {

constexpr std::int64_t kIn = 32, kOut = 8;  // a tile of dw that registers hold: its channels
constexpr std::int64_t kTile = kIn * kOut;  // float32 values
constexpr std::int64_t kMostChannels =
    128;  // of either side in a task: sums and pixels stay in the second cache
constexpr std::int64_t kPieceBytes = 320 << 10;  // pixels of both sides at once, of so many channels

struct Range {
  std::int64_t begin, end;
  std::int64_t size() const { return std::max<std::int64_t>(0, end - begin); }
};

// What of `outputs` has its tap inside `inputs` pixels.
Range inside(Range outputs, std::int64_t tap, const Bf16ConvShape& shape, std::int64_t inputs) {
  const std::int64_t before = shape.padding - tap;
  const std::int64_t first = before > 0 ? (before + shape.stride - 1) / shape.stride : 0;
  if (inputs - 1 + before < 0) return {0, 0};
  const std::int64_t last = (inputs - 1 + before) / shape.stride;
  return {std::max(outputs.begin, first), std::min(outputs.end, last + 1)};
}

__m512i load(const Bf16* values) { return values ? _mm512_loadu_si512(values) : _mm512_setzero_si512(); }

// `pixels` pixels of 32 channels, `stride` values apart; second may be null: zeros. Into x [pixel, 32, 2].
void pair_inputs(const Bf16* first, const Bf16* second, std::int64_t pixels, std::int64_t stride, Bf16* out) {
  for (std::int64_t i = 0; i < pixels; ++i, out += 2 * kIn) {
    const Interleaved both =
        interleave(load(first + i * stride), load(second ? second + i * stride : nullptr));
    _mm512_store_si512(out, both.low);
    _mm512_store_si512(out + kIn, both.high);
  }
}

// The same into four blocks of [pixel, 8, 2], `block` values apart.
void pair_gradients(const Bf16* first, const Bf16* second, std::int64_t pixels, std::int64_t stride,
                    Bf16* out, std::int64_t block) {
  for (std::int64_t i = 0; i < pixels; ++i, out += 2 * kOut) {
    const Interleaved both =
        interleave(load(first + i * stride), load(second ? second + i * stride : nullptr));
    const auto store = [&](std::int64_t number, __m256i values) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(out + number * block), values);
    };
    store(0, _mm512_castsi512_si256(both.low));
    store(1, _mm512_extracti64x4_epi64(both.low, 1));
    store(2, _mm512_castsi512_si256(both.high));
    store(3, _mm512_extracti64x4_epi64(both.high, 1));
  }
}

// Pixels of one tap: `images` times `rows` times `columns` of them, with what lies between two of each kind
// in values.
struct Pixels {
  const Bf16 *x, *dy;
  std::int64_t images, rows, columns;
  std::int64_t x_image, x_row, x_column;
  std::int64_t dy_image, dy_row;
};

// sums [8, 32] += products over all of the pixels
AFACE_KEEP_IN_REGISTERS void add_tile(const Pixels& pixels, float* sums) {
  __m512 low[kOut], high[kOut];
  for_rows<kOut>([&](auto k) __attribute__((always_inline)) {
    low[k()] = _mm512_load_ps(sums + k() * kIn);
    high[k()] = _mm512_load_ps(sums + k() * kIn + 16);
  });
  for (std::int64_t image = 0; image < pixels.images; ++image) {
    for (std::int64_t row = 0; row < pixels.rows; ++row) {
      const Bf16* x = pixels.x + image * pixels.x_image + row * pixels.x_row;
      const Bf16* dy = pixels.dy + image * pixels.dy_image + row * pixels.dy_row;
      for (std::int64_t column = 0; column < pixels.columns; ++column, x += pixels.x_column, dy += 2 * kOut) {
        const __m512i x_low = _mm512_load_si512(x), x_high = _mm512_load_si512(x + kIn);
        for_rows<kOut>([&](auto k) __attribute__((always_inline)) {
          const __m512i gradient = repeated_pair(dy + 2 * k());
          add_products(low[k()], x_low, gradient);
          add_products(high[k()], x_high, gradient);
        });
      }
    }
  }
  for_rows<kOut>([&](auto k) __attribute__((always_inline)) {
    _mm512_store_ps(sums + k() * kIn, low[k()]);
    _mm512_store_ps(sums + k() * kIn + 16, high[k()]);
  });
}

// How the pixels are cut into pieces: the rows of some pairs of images, or some rows of one. It decides the
// order of the sums, so it depends on the shape alone.
struct Pieces {
  explicit Pieces(const Bf16ConvShape& shape) : pairs((shape.batch + 1) / 2) {
    const std::int64_t bytes_of_x_row = 4 * shape.width * std::min(shape.in, kMostChannels);
    const std::int64_t bytes_of_dy_row = 4 * shape.out_width() * std::min(shape.out, kMostChannels);
    const std::int64_t whole = shape.height * bytes_of_x_row + shape.out_height() * bytes_of_dy_row;
    if (whole <= kPieceBytes) {
      pairs_at_once = std::min(pairs, kPieceBytes / whole);
      rows_at_once = shape.out_height();
      return;
    }
    const std::int64_t shared = (shape.kernel - shape.stride) * bytes_of_x_row;
    const std::int64_t each = shape.stride * bytes_of_x_row + bytes_of_dy_row;
    const std::int64_t most = std::clamp<std::int64_t>((kPieceBytes - shared) / each, 1, shape.out_height());
    const std::int64_t cuts = (shape.out_height() + most - 1) / most;
    rows_at_once = (shape.out_height() + cuts - 1) / cuts;
  }
  std::int64_t pairs, pairs_at_once = 1, rows_at_once = 1;
};

// Some of the input's channels with some of the output's.
class WeightGradient {
 public:
  WeightGradient(const Bf16ConvShape& shape, Range in, Range out)
      : shape_(shape),
        pieces_(shape),
        in_(in),
        out_(out),
        taps_(shape.kernel * shape.kernel),
        x_rows_(std::min(shape.height, (pieces_.rows_at_once - 1) * shape.stride + shape.kernel)),
        x_block_(pieces_.pairs_at_once * x_rows_ * shape.width * 2 * kIn),
        dy_block_(pieces_.pairs_at_once * pieces_.rows_at_once * shape.out_width() * 2 * kOut),
        x_(in.size() / kIn * x_block_),
        dy_(out.size() / kOut * dy_block_),
        sums_(in.size() * out.size() * taps_) {}

  void run(const Bf16* x, const Bf16* dy, float* dw) {
    std::fill_n(sums_.data(), in_.size() * out_.size() * taps_, 0.0F);
    for (std::int64_t first = 0; first < pieces_.pairs; first += pieces_.pairs_at_once) {
      const Range pairs = {first, std::min(pieces_.pairs, first + pieces_.pairs_at_once)};
      for (std::int64_t row = 0; row < shape_.out_height(); row += pieces_.rows_at_once) {
        add_piece(pairs, {row, std::min(shape_.out_height(), row + pieces_.rows_at_once)}, x, dy);
      }
    }
    write(dw);
  }

 private:
  void add_piece(Range pairs, Range rows, const Bf16* x, const Bf16* dy) {
    const Range x_rows = {
        std::max<std::int64_t>(0, rows.begin * shape_.stride - shape_.padding),
        std::min(shape_.height, (rows.end - 1) * shape_.stride - shape_.padding + shape_.kernel)};
    copy_pairs(pairs, x_rows, rows, x, dy);
    for (std::int64_t in = 0; in < in_.size() / kIn; ++in) {
      for (std::int64_t out = 0; out < out_.size() / kOut; ++out) {
        float* sums = sums_.data() + (in * (out_.size() / kOut) + out) * taps_ * kTile;
        for (std::int64_t tap = 0; tap < taps_; ++tap, sums += kTile) {
          add_tile(pixels_of(tap, pairs.size(), x_rows, rows, in, out), sums);
        }
      }
    }
  }

  Pixels pixels_of(std::int64_t tap, std::int64_t images, Range x_rows, Range rows, std::int64_t in,
                   std::int64_t out) const {
    const std::int64_t r = tap / shape_.kernel, s = tap % shape_.kernel;
    const Range p = inside(rows, r, shape_, shape_.height),
                q = inside({0, shape_.out_width()}, s, shape_, shape_.width);
    Pixels pixels = {};
    pixels.images = images;
    pixels.rows = p.size();
    pixels.columns = q.size();
    pixels.x_column = shape_.stride * 2 * kIn;
    pixels.x_row = shape_.stride * shape_.width * 2 * kIn;
    pixels.x_image = x_rows.size() * shape_.width * 2 * kIn;
    pixels.dy_row = shape_.out_width() * 2 * kOut;
    pixels.dy_image = rows.size() * pixels.dy_row;
    if (pixels.rows == 0 || pixels.columns == 0) return pixels;
    const std::int64_t x_row = p.begin * shape_.stride + r - shape_.padding - x_rows.begin;
    const std::int64_t x_column = q.begin * shape_.stride + s - shape_.padding;
    pixels.x = x_.data() + in * x_block_ + (x_row * shape_.width + x_column) * 2 * kIn;
    pixels.dy = dy_.data() + out * dy_block_ + (p.begin - rows.begin) * pixels.dy_row + q.begin * 2 * kOut;
    return pixels;
  }

  void copy_pairs(Range pairs, Range x_rows, Range rows, const Bf16* x, const Bf16* dy) {
    const std::int64_t x_image = shape_.height * shape_.width * shape_.in,
                       dy_image = shape_.out_height() * shape_.out_width() * shape_.out;
    const std::int64_t x_pixels = x_rows.size() * shape_.width, dy_pixels = rows.size() * shape_.out_width();
    for (std::int64_t pair = pairs.begin; pair < pairs.end; ++pair) {
      const bool alone = 2 * pair + 1 == shape_.batch;
      const Bf16* from = x + 2 * pair * x_image + x_rows.begin * shape_.width * shape_.in + in_.begin;
      for (std::int64_t in = 0; in < in_.size() / kIn; ++in) {
        pair_inputs(from + in * kIn, alone ? nullptr : from + in * kIn + x_image, x_pixels, shape_.in,
                    x_.data() + in * x_block_ + (pair - pairs.begin) * x_pixels * 2 * kIn);
      }
      from = dy + 2 * pair * dy_image + rows.begin * shape_.out_width() * shape_.out + out_.begin;
      for (std::int64_t out = 0; out < out_.size() / kOut; out += 32 / kOut) {
        pair_gradients(from + out * kOut, alone ? nullptr : from + out * kOut + dy_image, dy_pixels,
                       shape_.out, dy_.data() + out * dy_block_ + (pair - pairs.begin) * dy_pixels * 2 * kOut,
                       dy_block_);
      }
    }
  }

  void write(float* dw) const {
    const float* sums = sums_.data();
    for (std::int64_t in = in_.begin; in < in_.end; in += kIn) {
      for (std::int64_t out = out_.begin; out < out_.end; out += kOut) {
        for (std::int64_t tap = 0; tap < taps_; ++tap, sums += kTile) {
          for (std::int64_t k = 0; k < kOut; ++k) {
            std::copy_n(sums + k * kIn, kIn, dw + ((out + k) * taps_ + tap) * shape_.in + in);
          }
        }
      }
    }
  }

  const Bf16ConvShape& shape_;
  Pieces pieces_;
  Range in_, out_;
  std::int64_t taps_, x_rows_, x_block_, dy_block_;  // a block: one tile's channels of a piece, in values
  Scratch<Bf16> x_, dy_;  // x [block of 32, pair, row, column, 32, 2], dy the same with 8
  Scratch<float> sums_;   // [block of 32, block of 8, tap, 8, 32]
};

std::int64_t parts(std::int64_t channels, std::int64_t at_once) { return (channels + at_once - 1) / at_once; }

}  // namespace

void bf16_conv_weight_gradient(const Bf16ConvShape& shape, const Bf16* x, const Bf16* dy, float* dw,
                               int threads, const ForEachSlice& for_each_slice) {
  AFACE_CHECK(can_convolve_bf16(shape), "no loops for this convolution");
  std::int64_t in = std::min(shape.in, kMostChannels), out = std::min(shape.out, kMostChannels);
  while (parts(shape.in, in) * parts(shape.out, out) < threads && in > 32) in = (in / 2 + 31) / 32 * 32;
  while (parts(shape.in, in) * parts(shape.out, out) < threads && out > 32) out = (out / 2 + 31) / 32 * 32;
  const std::int64_t of_in = parts(shape.in, in), of_out = parts(shape.out, out);
  for_each_slice(of_in * of_out, [&](std::int64_t task) {
    const std::int64_t in_begin = task / of_out * in, out_begin = task % of_out * out;
    WeightGradient(shape, {in_begin, std::min(shape.in, in_begin + in)},
                   {out_begin, std::min(shape.out, out_begin + out)})
        .run(x, dy, dw);
  });
}
#else
void bf16_conv_weight_gradient(const Bf16ConvShape&, const Bf16*, const Bf16*, float*, int,
                               const ForEachSlice&) {
  AFACE_CHECK(false, "no loops for this convolution");
}
#endif

}  // namespace aface
