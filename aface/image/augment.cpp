#include "aface/image/augment.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace aface {
namespace {

constexpr std::array<float, 3> kLuma = {0.299f, 0.587f, 0.114f};  // ITU-R BT.601, as in JPEG
constexpr float kMidGrey = 127.5f;                                // what normalisation takes to 0
constexpr std::uint8_t kCutoutGrey = 127;

// brightness * (contrast * (saturation * x + (1 - saturation) * luma(x) - mid) + mid)
ColourMap make_colour_map(double brightness, double contrast, double saturation) {
  const auto gain = static_cast<float>(brightness * contrast);
  const auto own = static_cast<float>(saturation);
  ColourMap map;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      map.matrix[row * 3 + column] = gain * ((row == column ? own : 0.0f) + (1 - own) * kLuma[column]);
    }
    map.offset[row] = static_cast<float>(brightness * (1 - contrast)) * kMidGrey;
  }
  return map;
}

// Uniform in [1 - strength, 1 + strength].
double factor(Random& random, double strength) { return random.uniform(1 - strength, 1 + strength); }

void paint_square(int side, int x0, int y0, int size_px, std::uint8_t* pixels) {
  for (int y = y0; y < y0 + side; ++y) {
    std::fill_n(pixels + (static_cast<std::size_t>(y) * size_px + x0) * 3, static_cast<std::size_t>(side) * 3,
                kCutoutGrey);
  }
}

}  // namespace

Augmentation draw_augmentation(const AugmentOptions& options, Random& random) {
  Augmentation drawn;
  if (random.chance(options.flip)) drawn.mirror = Mirror::kLeftRight;

  const bool crop = random.chance(options.crop);
  const double side = factor(random, options.crop_scale);
  const double shift_x = random.uniform(-options.crop_shift, options.crop_shift);
  const double shift_y = random.uniform(-options.crop_shift, options.crop_shift);
  if (crop) drawn.window = {0.5 * (1 - side) + shift_x, 0.5 * (1 - side) + shift_y, side, side};

  const bool low_resolution = random.chance(options.low_resolution);
  const double resolution = random.uniform(options.low_resolution_min, 1);
  if (low_resolution) drawn.resolution = resolution;

  const bool grey = random.chance(options.grey);
  const bool colour = random.chance(options.colour);
  const double brightness = factor(random, options.colour_strength);
  const double contrast = factor(random, options.colour_strength);
  const double saturation = factor(random, options.colour_strength);
  // All of it is one linear map. A grey picture has no saturation left to change.
  if (grey || colour) {
    drawn.colour = make_colour_map(colour ? brightness : 1, colour ? contrast : 1, grey ? 0 : saturation);
  }

  const bool cutout = random.chance(options.cutout);
  const double cutout_side = random.uniform(0, options.cutout_size);
  drawn.cutout_x = random.uniform();
  drawn.cutout_y = random.uniform();
  if (cutout) drawn.cutout_side = cutout_side;
  return drawn;
}

void augment(const Image& chip, const Augmentation& augmentation, int size_px, std::uint8_t* out) {
  const Window window{augmentation.window.x * chip.width, augmentation.window.y * chip.height,
                      augmentation.window.width * chip.width, augmentation.window.height * chip.height};
  const ColourMap* colour = augmentation.colour ? &*augmentation.colour : nullptr;
  const int small_px = std::max(1, static_cast<int>(std::lround(augmentation.resolution * size_px)));
  if (small_px < size_px) {
    thread_local Image small;  // keeps its memory
    small.width = small.height = small_px;
    small.pixels.resize(static_cast<std::size_t>(small_px) * small_px * 3);
    resample(chip, window, augmentation.mirror, colour, small_px, small_px, small.pixels.data());
    resample(small, whole(small), Mirror::kNo, nullptr, size_px, size_px, out);
  } else {
    resample(chip, window, augmentation.mirror, colour, size_px, size_px, out);
  }
  const int side = static_cast<int>(std::lround(augmentation.cutout_side * size_px));
  if (side > 0) {
    const int free_px = size_px - side;
    paint_square(side, static_cast<int>(std::lround(augmentation.cutout_x * free_px)),
                 static_cast<int>(std::lround(augmentation.cutout_y * free_px)), size_px, out);
  }
}

}  // namespace aface
