#include "aface/eval/over_seeds.h"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/core/random.h"
#include "aface/eval/identity_bootstrap.h"

namespace aface {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// 97.5 % quantile of Student's distribution.
double student(int degrees) {
  constexpr std::array<double, 30> kTable = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                             2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                                             2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                                             2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
  return degrees <= static_cast<int>(kTable.size()) ? kTable[static_cast<std::size_t>(degrees - 1)] : 1.96;
}

// Which seeds a draw takes: as many as there are, with replacement.
std::vector<std::size_t> draw_seeds(std::size_t seeds, std::size_t draw) {
  Random random(0x5eed, draw);
  std::vector<std::size_t> drawn(seeds);
  for (std::size_t& seed : drawn)
    seed = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(seeds)));
  return drawn;
}

Interval interval_of_draws(const std::vector<Figure>& of_seed) {
  const std::size_t seeds = of_seed.size();
  const double widened =
      seeds > 1 ? std::sqrt(static_cast<double>(seeds) / static_cast<double>(seeds - 1)) : 0;
  Figure drawn;
  for (std::size_t draw = 0; draw < of_seed[0].replicates.size(); ++draw) {
    double mean = 0, mean_of_drawn = 0;
    for (const Figure& figure : of_seed) mean += figure.replicates[draw] / static_cast<double>(seeds);
    for (const std::size_t seed : draw_seeds(seeds, draw)) {
      mean_of_drawn += of_seed[seed].replicates[draw] / static_cast<double>(seeds);
    }
    drawn.replicates.push_back(static_cast<float>(mean + widened * (mean_of_drawn - mean)));
  }
  return interval_of(drawn);
}

}  // namespace

SeedFigure over_seeds(const std::vector<Figure>& of_seed) {
  AFACE_CHECK(!of_seed.empty(), "no seeds");
  const auto seeds = static_cast<double>(of_seed.size());
  SeedFigure result;
  result.seeds = static_cast<int>(of_seed.size());
  result.interval = {kNaN, kNaN};
  for (const Figure& figure : of_seed) {
    if (figure.replicates.size() != of_seed[0].replicates.size()) {
      throw Error(ErrorKind::kData,
                  fmt::format("{}: {} and {} draws of people (expected as many for every seed); "
                              "evaluate all seeds with the same --bootstrap",
                              figure.name, of_seed[0].replicates.size(), figure.replicates.size()));
    }
    result.mean += figure.value / seeds;
  }
  double squares = 0;
  for (const Figure& figure : of_seed) squares += (figure.value - result.mean) * (figure.value - result.mean);
  result.deviation = of_seed.size() > 1 ? std::sqrt(squares / (seeds - 1)) : kNaN;
  if (std::isnan(result.mean)) return result;
  if (!of_seed[0].replicates.empty()) {
    result.interval = interval_of_draws(of_seed);
  } else if (of_seed.size() > 1) {
    const double half = student(result.seeds - 1) * result.deviation / std::sqrt(seeds);
    result.interval = {result.mean - half, result.mean + half};
  }
  return result;
}

SeedFigure difference_over_seeds(const std::vector<Figure>& a_of_seed, const std::vector<Figure>& b_of_seed) {
  AFACE_CHECK(a_of_seed.size() == b_of_seed.size(), "{} and {} seeds", a_of_seed.size(), b_of_seed.size());
  std::vector<Figure> differences;
  for (std::size_t seed = 0; seed < a_of_seed.size(); ++seed) {
    const Figure &a = a_of_seed[seed], &b = b_of_seed[seed];
    if (a.replicates.size() != b.replicates.size()) {
      throw Error(ErrorKind::kData,
                  fmt::format("{}: {} and {} draws of people (expected as many); evaluate both with "
                              "the same --bootstrap",
                              a.name, a.replicates.size(), b.replicates.size()));
    }
    Figure difference{a.name, b.value - a.value, "", {}};
    for (std::size_t i = 0; i < a.replicates.size(); ++i) {
      difference.replicates.push_back(b.replicates[i] - a.replicates[i]);
    }
    differences.push_back(std::move(difference));
  }
  return over_seeds(differences);
}

}  // namespace aface
