#include "aface/synth/photo_effects.h"

#include <algorithm>
#include <cmath>

#include "aface/core/random.h"

namespace aface::synth {
namespace {

std::vector<float> gauss_weights(float deviation) {
  const int reach = std::max(1, static_cast<int>(std::ceil(2.5f * deviation)));
  std::vector<float> weights;
  float sum = 0;
  for (int i = -reach; i <= reach; ++i) {
    weights.push_back(std::exp(-0.5f * square(static_cast<float>(i) / deviation)));
    sum += weights.back();
  }
  for (float& weight : weights) weight /= sum;
  return weights;
}

// Along the rows, written transposed: twice gives a blur in both directions.
std::vector<Rgb> blur_rows_transposed(const std::vector<Rgb>& in, int size,
                                      const std::vector<float>& weights) {
  std::vector<Rgb> out(in.size());
  const int reach = static_cast<int>(weights.size() / 2);
  for (int y = 0; y < size; ++y) {
    const Rgb* row = &in[static_cast<std::size_t>(y) * size];
    for (int x = 0; x < size; ++x) {
      Rgb sum;
      for (int k = -reach; k <= reach; ++k) {
        sum = sum + row[std::clamp(x + k, 0, size - 1)] * weights[static_cast<std::size_t>(k + reach)];
      }
      out[static_cast<std::size_t>(x) * size + y] = sum;
    }
  }
  return out;
}

void blur(std::vector<Rgb>& light, int size, float deviation) {
  if (deviation < 0.2f) return;
  const auto weights = gauss_weights(deviation);
  light = blur_rows_transposed(blur_rows_transposed(light, size, weights), size, weights);
}

// Point samples of an already blurred picture, enlarged again by linear interpolation.
void lose_resolution(std::vector<Rgb>& light, int size, float share) {
  const int small = std::max(8, static_cast<int>(std::lround(static_cast<float>(size) * share)));
  if (small >= size) return;
  const float step = static_cast<float>(size) / static_cast<float>(small);
  std::vector<Rgb> coarse(static_cast<std::size_t>(small) * small);
  const auto nearest = [&](int i) {
    return std::min(size - 1, static_cast<int>((static_cast<float>(i) + 0.5f) * step));
  };
  for (int y = 0; y < small; ++y) {
    for (int x = 0; x < small; ++x) {
      coarse[static_cast<std::size_t>(y) * small + x] =
          light[static_cast<std::size_t>(nearest(y)) * size + nearest(x)];
    }
  }
  for (int y = 0; y < size; ++y) {
    const float at_y =
        std::clamp((static_cast<float>(y) + 0.5f) / step - 0.5f, 0.0f, static_cast<float>(small - 1));
    const int y0 = static_cast<int>(at_y), y1 = std::min(small - 1, y0 + 1);
    for (int x = 0; x < size; ++x) {
      const float at_x =
          std::clamp((static_cast<float>(x) + 0.5f) / step - 0.5f, 0.0f, static_cast<float>(small - 1));
      const int x0 = static_cast<int>(at_x), x1 = std::min(small - 1, x0 + 1);
      const auto at = [&](int cx, int cy) { return coarse[static_cast<std::size_t>(cy) * small + cx]; };
      light[static_cast<std::size_t>(y) * size + x] =
          mix(mix(at(x0, y0), at(x1, y0), at_x - static_cast<float>(x0)),
              mix(at(x0, y1), at(x1, y1), at_x - static_cast<float>(x0)), at_y - static_cast<float>(y0));
    }
  }
}

}  // namespace

Image develop(std::vector<Rgb> light, int size, const PhotoConditions& photo) {
  const float chip = static_cast<float>(size) / 112;
  const bool coarse = photo.resolution < 1;
  blur(light, size, std::max(photo.blur_px * chip, coarse ? 0.45f / photo.resolution : 0.0f));
  if (coarse) lose_resolution(light, size, photo.resolution);

  Image image(size, size);
  Random random(photo.texture_seed);
  // The sum of two uniform 10-bit numbers: a triangle of variance 2 (1024^2 - 1) / 12.
  const float noise_step = photo.noise / 418.0f;
  const auto to_byte = [&](float linear, std::uint64_t bits) {
    const float grain =
        static_cast<float>(static_cast<int>(bits & 1023) + static_cast<int>((bits >> 10) & 1023) - 1023);
    const float value =
        0.5f + (std::sqrt(std::max(0.0f, linear)) - 0.5f) * photo.contrast + grain * noise_step;
    return static_cast<std::uint8_t>(clamp01(value) * 255 + 0.5f);
  };
  for (std::size_t i = 0; i < light.size(); ++i) {
    const std::uint64_t bits = random.next();
    image.pixels[3 * i] = to_byte(light[i].r, bits);
    image.pixels[3 * i + 1] = to_byte(light[i].g, bits >> 20);
    image.pixels[3 * i + 2] = to_byte(light[i].b, bits >> 40);
  }
  return image;
}

}  // namespace aface::synth
