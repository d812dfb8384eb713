#include "aface/head/margins.h"

#include <algorithm>
#include <cmath>

namespace aface {
namespace {

constexpr double kPi = 3.14159265358979323846;

struct Angle {
  double cosine;  // in [-1, 1]
  double sine;    // >= 0
  double theta;   // in [0, pi]
};

// (1 - c)(1 + c) keeps the digits that 1 - c^2 loses near the ends.
Angle angle_of(double cosine) {
  const double c = std::clamp(cosine, -1.0, 1.0);
  const double sine = std::sqrt((1 - c) * (1 + c));
  return {c, sine, std::atan2(sine, c)};
}

double away_from_ends(double theta, double angle_floor) {
  return std::clamp(theta, angle_floor, kPi - angle_floor);
}

// k with m theta in [k pi, (k + 1) pi), and (-1)^k.
double piece_of(double multiplied) { return std::floor(multiplied / kPi); }
double sign_of(double piece) { return std::fmod(piece, 2.0) == 0 ? 1.0 : -1.0; }

}  // namespace

double angle_floor_for(double epsilon) { return std::sqrt(2 * epsilon); }

MarginedCosine cosine_margin(double cosine, double margin, double /*angle_floor*/) {
  return {std::clamp(cosine, -1.0, 1.0) - margin, 1.0, -1.0};
}

MarginedCosine angular_margin(double cosine, double margin, double angle_floor) {
  const Angle angle = angle_of(cosine);
  const double cos_m = std::cos(margin), sin_m = std::sin(margin);
  if (angle.cosine < -cos_m) return {angle.cosine - 1 + cos_m, 1.0, -sin_m};
  const double theta = away_from_ends(angle.theta, angle_floor);
  return {angle.cosine * cos_m - angle.sine * sin_m, std::sin(theta + margin) / std::sin(theta),
          -(angle.sine * cos_m + angle.cosine * sin_m)};
}

MarginedCosine multiplied_angle(double cosine, double margin, double angle_floor) {
  const Angle angle = angle_of(cosine);
  const double piece = piece_of(margin * angle.theta);
  const double theta = away_from_ends(angle.theta, angle_floor);
  return {sign_of(piece) * std::cos(margin * angle.theta) - 2 * piece,
          sign_of(piece_of(margin * theta)) * margin * std::sin(margin * theta) / std::sin(theta),
          -sign_of(piece) * angle.theta * std::sin(margin * angle.theta)};
}

}  // namespace aface
