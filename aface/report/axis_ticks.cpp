#include "aface/report/axis_ticks.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace aface {
namespace {

constexpr double kSlack =
    1e-9;  // of a step: a tick that rounding has pushed past the end still belongs to the range

int floor_power(double value) { return static_cast<int>(std::floor(std::log10(value) + kSlack)); }

// For labels of one axis that has its ticks `step` apart: as many decimals as tell them apart.
std::string linear_label(double value, double step, double largest) {
  const char* unit = "";
  double scale = 1;
  if (largest >= 1e6) {
    unit = "M", scale = 1e6;
  } else if (largest >= 1e4) {
    unit = "k", scale = 1e3;
  }
  if (std::abs(value) < step * kSlack) return "0";
  const int power = floor_power(step / scale);
  if (largest < 1e-3) return fmt::format("{:.{}g}", value, floor_power(largest) - power + 1);  // "2e-05"
  return fmt::format("{:.{}f}{}", value / scale, std::max(0, -power), unit);
}

std::string superscript(int number) {
  constexpr const char* kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = number < 0 ? "⁻" : "";
  for (const char digit : std::to_string(std::abs(number))) text += kDigits[digit - '0'];
  return text;
}

std::string log_label(int factor, int power, bool with_powers) {
  if (power >= 6) return fmt::format("{}M", factor * std::llround(std::pow(10.0, power - 6)));
  if (power >= 4) return fmt::format("{}k", factor * std::llround(std::pow(10.0, power - 3)));
  if (power >= 0) return fmt::format("{}", factor * std::llround(std::pow(10.0, power)));
  if (!with_powers) return fmt::format("{:.{}f}", factor * std::pow(10.0, power), -power);
  return (factor == 1 ? "" : fmt::format("{}·", factor)) + "10" + superscript(power);
}

double log_floor(double value) {
  const double decade = std::pow(10.0, floor_power(value));
  for (const int factor : {5, 2}) {
    if (value >= factor * decade * (1 - kSlack)) return factor * decade;
  }
  return decade;
}

double log_ceil(double value) {
  const double decade = std::pow(10.0, floor_power(value));
  for (const int factor : {1, 2, 5}) {
    if (value <= factor * decade * (1 + kSlack)) return factor * decade;
  }
  return 10 * decade;
}

std::vector<Tick> linear_ticks(AxisRange range, int count) {
  const double step = tick_step(range.high - range.low, count);
  const double largest = std::max(std::abs(range.low), std::abs(range.high));
  const auto first = static_cast<std::int64_t>(std::ceil(range.low / step - kSlack));
  const auto last = static_cast<std::int64_t>(std::floor(range.high / step + kSlack));
  std::vector<Tick> ticks;
  for (std::int64_t i = first; i <= last; ++i) {
    const double value = static_cast<double>(i) * step;
    ticks.push_back({value, linear_label(value, step, largest)});
  }
  return ticks;
}

std::vector<Tick> log_ticks(AxisRange range) {
  const double decades = std::log10(range.high / range.low);
  const bool with_parts = decades < 2;
  const int every = decades < 9 ? 1 : decades < 18 ? 2 : 3;
  std::vector<Tick> ticks;
  for (int power = floor_power(range.low); power <= floor_power(range.high) + 1; ++power) {
    for (const int factor : {1, 2, 5}) {
      const double value = factor * std::pow(10.0, power);
      if (value < range.low * (1 - kSlack) || value > range.high * (1 + kSlack)) continue;
      if (with_parts || (factor == 1 && power % every == 0)) {
        ticks.push_back({value, log_label(factor, power, range.low < 0.0099)});
      }
    }
  }
  return ticks;
}

}  // namespace

double tick_step(double span, int count) {
  if (!(span > 0) || !std::isfinite(span)) return 1;
  const double least = span / std::max(1, count);
  const double decade = std::pow(10.0, floor_power(least));
  for (const int factor : {1, 2, 5}) {
    if (least <= factor * decade * (1 + kSlack)) return factor * decade;
  }
  return 10 * decade;
}

AxisRange round_outwards(AxisRange range, Scale scale, int count) {
  if (scale == Scale::kLog) {
    AxisRange rounded{log_floor(range.low), log_ceil(range.high)};
    if (rounded.low == rounded.high) rounded = {rounded.low / 10, rounded.high * 10};
    return rounded;
  }
  if (range.low == range.high) {
    if (range.low == 0) return {0, 1};  // most numbers that stay 0 are counts and shares
    const double room = std::abs(range.low) * 0.1;
    range = {range.low - room, range.high + room};
  }
  const double step = tick_step(range.high - range.low, count);
  return {std::floor(range.low / step + kSlack) * step, std::ceil(range.high / step - kSlack) * step};
}

std::vector<Tick> axis_ticks(AxisRange range, Scale scale, int count) {
  return scale == Scale::kLog ? log_ticks(range) : linear_ticks(range, count);
}

}  // namespace aface
