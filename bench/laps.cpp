#include "bench/laps.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

namespace aface::bench {

double total(const Laps& laps) {
  double sum = 0;
  for (const auto& [part, ms] : laps) sum += ms;
  return sum;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void print_laps(const std::string& name, const std::vector<Laps>& rounds) {
  std::vector<double> all;
  std::transform(rounds.begin(), rounds.end(), std::back_inserter(all), total);
  fmt::print("{}  {:8.1f} ms [{:.1f} .. {:.1f}] ", name, median(all), *std::min_element(all.begin(), all.end()),
             *std::max_element(all.begin(), all.end()));
  for (const auto& [part, ms] : rounds.front()) {
    std::vector<double> values;
    for (const Laps& laps : rounds) values.push_back(laps.at(part));
    fmt::print(" {} {:.1f}", part, median(values));
  }
}

void print_ratio(const std::string& text, const std::vector<Laps>& above, const std::vector<Laps>& below) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < above.size(); ++i) ratios.push_back(total(above[i]) / total(below[i]));
  fmt::print("{}: {:.2f} [{:.2f} .. {:.2f}]\n", text, median(ratios), *std::min_element(ratios.begin(), ratios.end()),
             *std::max_element(ratios.begin(), ratios.end()));
}

}  // namespace aface::bench
