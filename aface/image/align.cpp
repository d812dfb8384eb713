#include "aface/image/align.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <opencv2/imgproc.hpp>

#include "aface/core/error.h"
#include "aface/image/resample.h"

namespace aface {
namespace {

// The template of the ArcFace chips, 112 x 112 pixels, which pre-trained models and aligned data sets share.
constexpr Landmarks kTemplate112 = {
    {{38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}}};

// Below this spread (sum of squared distances to their centre, px^2) five points are one point.
constexpr double kSmallestSpread = 1e-6;

Error bad_landmarks(const char* what) { return Error(ErrorKind::kData, what); }

std::complex<double> as_complex(const Point& p) { return {p.x, p.y}; }

std::complex<double> centre(const Landmarks& points) {
  std::complex<double> sum = 0;
  for (const auto& p : points) sum += as_complex(p);
  return sum / static_cast<double>(points.size());
}

bool all_finite(const Landmarks& points) {
  return std::all_of(points.begin(), points.end(),
                     [](const Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); });
}

constexpr int kLargestReduction = 1 << 14;

Similarity inverse_of(const Similarity& s) {
  const double a = s.a / s.determinant(), b = -s.b / s.determinant();
  return {a, b, -(a * s.tx - b * s.ty), -(b * s.tx + a * s.ty)};
}

// The part of the photo that the chip shows, a `factor`-th of its size, by means over squares of `factor` x
// `factor` pixels. `to_chip` comes from the photo and then goes from this picture.
Image reduce_around_chip(const Image& photo, int factor, int size_px, Similarity& to_chip) {
  const Similarity to_photo = inverse_of(to_chip);
  const double last = size_px - 1;
  double left = photo.width, top = photo.height, right = 0, bottom = 0;
  for (const Point& corner : {Point{0, 0}, Point{last, 0}, Point{0, last}, Point{last, last}}) {
    const Point p = to_photo.apply(corner);
    left = std::min(left, p.x), right = std::max(right, p.x);
    top = std::min(top, p.y), bottom = std::max(bottom, p.y);
  }
  // Whole squares counted from the photo's corner, one more on each side for the interpolation.
  const auto first_square = [&](double begin, int size) {
    return std::max(0, static_cast<int>(std::clamp(begin, 0.0, size - 1.0)) / factor - 1);
  };
  const auto end_square = [&](double end, int size) {
    return std::min((size + factor - 1) / factor,
                    static_cast<int>(std::clamp(end, 0.0, size - 1.0)) / factor + 2);
  };
  const int x = first_square(left, photo.width), y = first_square(top, photo.height);
  Image smaller(end_square(right, photo.width) - x, end_square(bottom, photo.height) - y);
  const Window window{double(x) * factor, double(y) * factor, double(smaller.width) * factor,
                      double(smaller.height) * factor};
  resample(photo, window, Mirror::kNo, nullptr, smaller.width, smaller.height, smaller.pixels.data());
  // Pixel centre u of the smaller picture lies at (x + u + 1/2) * factor - 1/2 in the photo.
  const Point origin = to_chip.apply({(x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5});
  to_chip = {to_chip.a * factor, to_chip.b * factor, origin.x, origin.y};
  return smaller;
}

}  // namespace

Result<Similarity> fit_similarity(const Landmarks& from, const Landmarks& to) {
  if (!all_finite(from) || !all_finite(to)) return bad_landmarks("a landmark is not finite");
  // With points as complex numbers, to ~ s * from + t, and least squares give
  //   s = sum conj(from - mean) (to - mean) / sum |from - mean|^2.
  const auto from_centre = centre(from);
  const auto to_centre = centre(to);
  std::complex<double> covariance = 0;
  double spread = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto p = as_complex(from[i]) - from_centre;
    covariance += std::conj(p) * (as_complex(to[i]) - to_centre);
    spread += std::norm(p);
  }
  if (!(spread > kSmallestSpread)) return bad_landmarks("the five landmarks are one point");
  const auto s = covariance / spread;
  const auto t = to_centre - s * from_centre;
  if (!std::isfinite(std::norm(s)) || !std::isfinite(std::norm(t)))
    return bad_landmarks("the landmarks overflow");
  if (!(std::norm(s) > 0)) return bad_landmarks("the landmarks fit the template at no scale");
  return Similarity{s.real(), s.imag(), t.real(), t.imag()};
}

Landmarks chip_template(int size_px) {
  if (size_px < 16 || size_px > 1024) {
    throw Error(ErrorKind::kUsage,
                fmt::format("chip size {} is out of range (expected 16 to 1024)", size_px));
  }
  const bool wide = size_px % 112 != 0 && size_px % 128 == 0;
  const double scale = size_px / (wide ? 128.0 : 112.0);
  Landmarks landmarks = kTemplate112;
  for (auto& p : landmarks) {
    p.x = p.x * scale + (wide ? 8 * scale : 0.0);
    p.y *= scale;
  }
  return landmarks;
}

Result<Image> align_face(const Image& photo, const Landmarks& landmarks, int size_px) {
  return align_face(photo, landmarks, chip_template(size_px), size_px);
}

Result<Image> align_face(const Image& photo, const Landmarks& landmarks, const Landmarks& on_chip,
                         int size_px) {
  const auto is_inside = [&](const Point& p) {
    return p.x >= 0 && p.x < photo.width && p.y >= 0 && p.y < photo.height;
  };
  const Result<Similarity> fit = fit_similarity(landmarks, on_chip);
  if (!fit.ok()) return fit.error();
  if (std::none_of(landmarks.begin(), landmarks.end(), is_inside)) {
    return Error(ErrorKind::kData, fmt::format("all landmarks lie outside the photo of {} x {} pixels",
                                               photo.width, photo.height));
  }
  // Interpolation takes up to two pixels along either axis: where a chip's pixel spans more, the rest would
  // be passed over and fine patterns come out as coarse ones that are not there.
  Similarity s = fit.value();
  Image smaller;
  const int factor = static_cast<int>(std::min(1 / std::sqrt(s.determinant()), double{kLargestReduction}));
  if (factor >= 2) smaller = reduce_around_chip(photo, factor, size_px, s);
  const Image& from = factor >= 2 ? smaller : photo;
  const cv::Matx23d matrix(s.a, -s.b, s.tx, s.b, s.a, s.ty);
  const cv::Mat source(from.height, from.width, CV_8UC3, const_cast<std::uint8_t*>(from.pixels.data()));
  Image chip(size_px, size_px);
  cv::Mat destination(size_px, size_px, CV_8UC3, chip.pixels.data());
  cv::warpAffine(source, destination, matrix, destination.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT,
                 cv::Scalar::all(0));
  return chip;
}

}  // namespace aface
