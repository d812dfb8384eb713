#include "aface/detect/yunet_outputs.h"

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"

namespace aface {
namespace {

constexpr std::size_t kLocValues = 14, kBoxValues = 4, kPointValues = 10;

struct Prior {
  double centre_x, centre_y, side;
};

struct PriorMap {
  int step;
  std::vector<int> sides;
};

// The fourth map has no picture of its own: the halvings go on from the second, which is a quarter rounded up
// once.
std::vector<Prior> yunet_priors(int width, int height) {
  static const std::vector<PriorMap> kMaps = {
      {8, {10, 16, 24}}, {16, {32, 48}}, {32, {64, 96}}, {64, {128, 192, 256}}};
  std::vector<Prior> priors;
  int columns = (width + 1) / 2 / 2, rows = (height + 1) / 2 / 2;
  for (const PriorMap& map : kMaps) {
    columns /= 2;
    rows /= 2;
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        for (const int side : map.sides) {
          priors.push_back({(column + 0.5) * map.step, (row + 0.5) * map.step, double(side)});
        }
      }
    }
  }
  return priors;
}

double score_of(float one, float other) {
  const double product = std::clamp<double>(one, 0, 1) * std::clamp<double>(other, 0, 1);
  return std::sqrt(product);  // NaN stays NaN, which no score reaches
}

bool is_finite(const Face& face) {
  const auto& b = face.box;
  double sum = b.x + b.y + b.width + b.height;
  for (const Point& p : face.landmarks) sum += p.x + p.y;
  return std::isfinite(sum);
}

Box around(double centre_x, double centre_y, double width, double height) {
  return {centre_x - width / 2, centre_y - height / 2, width, height};
}

}  // namespace

std::int64_t count_yunet_priors(int width, int height) {
  return static_cast<std::int64_t>(yunet_priors(width, height).size());
}

std::vector<Face> faces_of(const YunetPriorOutputs& outputs, int width, int height, double least_score) {
  constexpr double kCentreStep = 0.1, kWidthStep = 0.1, kHeightStep = 0.2;
  const std::vector<Prior> priors = yunet_priors(width, height);
  AFACE_CHECK(outputs.loc.size() == priors.size() * kLocValues && outputs.conf.size() == priors.size() * 2 &&
                  outputs.iou.size() == priors.size(),
              "{}, {} and {} values for {} priors", outputs.loc.size(), outputs.conf.size(),
              outputs.iou.size(), priors.size());
  std::vector<Face> faces;
  for (std::size_t i = 0; i < priors.size(); ++i) {
    Face face;
    face.score = score_of(outputs.conf[2 * i + 1], outputs.iou[i]);
    if (!(face.score >= least_score)) continue;
    const Prior& prior = priors[i];
    const float* loc = &outputs.loc[i * kLocValues];
    const auto moved = [&](const float* by) {
      return Point{prior.centre_x + kCentreStep * prior.side * by[0],
                   prior.centre_y + kCentreStep * prior.side * by[1]};
    };
    const Point centre = moved(loc);
    face.box = around(centre.x, centre.y, prior.side * std::exp(kWidthStep * loc[2]),
                      prior.side * std::exp(kHeightStep * loc[3]));
    for (std::size_t k = 0; k < face.landmarks.size(); ++k)
      face.landmarks[k] = moved(loc + kBoxValues + 2 * k);
    if (is_finite(face)) faces.push_back(face);
  }
  return faces;
}

std::vector<Face> faces_of(const YunetStrideOutputs& outputs, int width, int height, double least_score) {
  std::vector<Face> faces;
  for (std::size_t s = 0; s < kYunetStrides.size(); ++s) {
    const auto& [cls, obj, box, kps] = outputs.strides[s];
    const int stride = kYunetStrides[s], columns = width / stride;
    const auto squares = static_cast<std::size_t>(columns) * static_cast<std::size_t>(height / stride);
    AFACE_CHECK(cls.size() == squares && obj.size() == squares && box.size() == squares * kBoxValues &&
                    kps.size() == squares * kPointValues,
                "{}, {}, {} and {} values for {} squares of {} px", cls.size(), obj.size(), box.size(),
                kps.size(), squares, stride);
    for (std::size_t i = 0; i < squares; ++i) {
      Face face;
      face.score = score_of(cls[i], obj[i]);
      if (!(face.score >= least_score)) continue;
      const double column = static_cast<double>(i % static_cast<std::size_t>(columns));
      const double row = static_cast<double>(i / static_cast<std::size_t>(columns));
      const auto moved = [&](const float* by) {
        return Point{(column + by[0]) * stride, (row + by[1]) * stride};
      };
      const float* sides = &box[i * kBoxValues];
      const Point centre = moved(sides);
      face.box = around(centre.x, centre.y, stride * std::exp(double{sides[2]}),
                        stride * std::exp(double{sides[3]}));
      for (std::size_t k = 0; k < face.landmarks.size(); ++k)
        face.landmarks[k] = moved(&kps[i * kPointValues + 2 * k]);
      if (is_finite(face)) faces.push_back(face);
    }
  }
  return faces;
}

}  // namespace aface
