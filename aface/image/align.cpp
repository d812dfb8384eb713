#include "aface/image/align.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <opencv2/imgproc.hpp>

#include "aface/core/error.h"

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
  const auto is_inside = [&](const Point& p) {
    return p.x >= 0 && p.x < photo.width && p.y >= 0 && p.y < photo.height;
  };
  const Result<Similarity> fit = fit_similarity(landmarks, chip_template(size_px));
  if (!fit.ok()) return fit.error();
  if (std::none_of(landmarks.begin(), landmarks.end(), is_inside)) {
    return Error(ErrorKind::kData, fmt::format("all landmarks lie outside the photo of {} x {} pixels",
                                               photo.width, photo.height));
  }
  const Similarity& s = fit.value();
  const cv::Matx23d matrix(s.a, -s.b, s.tx, s.b, s.a, s.ty);
  const cv::Mat source(photo.height, photo.width, CV_8UC3, const_cast<std::uint8_t*>(photo.pixels.data()));
  Image chip(size_px, size_px);
  cv::Mat destination(size_px, size_px, CV_8UC3, chip.pixels.data());
  cv::warpAffine(source, destination, matrix, destination.size(), cv::INTER_LINEAR, cv::BORDER_CONSTANT,
                 cv::Scalar::all(0));
  return chip;
}

}  // namespace aface
