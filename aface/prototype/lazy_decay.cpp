#include "aface/prototype/lazy_decay.h"

#include <algorithm>
#include <utility>

#include "aface/core/check.h"

namespace aface {
namespace {

using Matrix = LazyDecay::Matrix;

Matrix product(const Matrix& newer, const Matrix& older) {
  Matrix m;
  m.ww = newer.ww * older.ww + newer.wv * older.vw;
  m.wv = newer.ww * older.wv + newer.wv * older.vv;
  m.vw = newer.vw * older.ww + newer.vv * older.vw;
  m.vv = newer.vw * older.wv + newer.vv * older.vv;
  return m;
}

std::size_t trailing_zeros(std::size_t n) { return static_cast<std::size_t>(__builtin_ctzll(n)); }

}  // namespace

LazyDecay::LazyDecay(std::int64_t rows, double momentum, double weight_decay)
    : momentum_(momentum), decay_(weight_decay), applied_(static_cast<std::size_t>(rows), 0), last_active_(applied_) {
  AFACE_CHECK(rows > 0, "{} rows", rows);
}

// From the row's first missing step upwards, always the longest run that starts there, until the place is the history's
// length with some low bits cleared; what follows that is in until_now_. Every run ends within the history: if one that
// starts at `place` did not, the length would share all bits of `place` above the run's own, so `place` would be such a
// cleared length.
LazyDecay::Matrix LazyDecay::missing(std::int64_t row) const {
  const std::size_t length = rates_.size();
  std::size_t place = length - static_cast<std::size_t>(steps_ - applied_[static_cast<std::size_t>(row)]);
  if (place == length) return Matrix();
  Matrix result;
  std::size_t level = 0;
  while (place != 0) {
    level = trailing_zeros(place);
    if (place == length >> level << level) return product(until_now_[level], result);
    result = product(levels_[level][place >> level], result);
    place += std::size_t{1} << level;
  }
  return until_now_[kLevels - 1];
}

void LazyDecay::append(double rate) {
  rates_.push_back(rate);
  Matrix newest;
  newest.ww = 1 - rate * decay_;
  newest.wv = -rate * momentum_;
  newest.vw = decay_;
  newest.vv = momentum_;
  const std::size_t length = rates_.size();
  for (std::size_t level = 0;; ++level) {
    if (levels_.size() == level) levels_.emplace_back();
    std::vector<Matrix>& products = levels_[level];
    products.push_back(newest);
    if (products.size() % 2 != 0) break;
    newest = product(products.back(), products[products.size() - 2]);
  }
  for (std::size_t level = 0; level + 1 < kLevels; ++level) {  // clearing one bit more prepends that bit's run
    const bool set = (length >> level & 1) != 0;
    until_now_[level + 1] =
        set ? product(until_now_[level], levels_[level][(length >> level) - 1]) : until_now_[level];
  }
}

void LazyDecay::clear_history() {
  rates_.clear();
  for (std::vector<Matrix>& products : levels_) products.clear();
  until_now_ = {};
}

void LazyDecay::add_step(double rate, Span<const std::int64_t> active) {
  ++steps_;
  for (const std::int64_t row : active) {
    applied_[static_cast<std::size_t>(row)] = steps_;
    last_active_[static_cast<std::size_t>(row)] = steps_;
  }
  if (active.size() == applied_.size()) {
    clear_history();
  } else {
    append(rate);
  }
}

void LazyDecay::mark_caught_up() {
  if (rates_.empty()) return;
  std::fill(applied_.begin(), applied_.end(), steps_);
  clear_history();
}

std::int64_t LazyDecay::stalest_age() const {
  return steps_ - *std::min_element(last_active_.begin(), last_active_.end());
}

double LazyDecay::share_never_active() const {
  const auto never = std::count(last_active_.begin(), last_active_.end(), 0);
  return static_cast<double>(never) / static_cast<double>(last_active_.size());
}

void LazyDecay::save(NamedArrays& state, const std::string& prefix) const {
  state.put_scalar(prefix + "steps", steps_);
  state.put(prefix + "rates", rates_);
  state.put(prefix + "fresh_until", applied_);
  state.put(prefix + "last_active", last_active_);
}

void LazyDecay::restore(const NamedArrays& state, const std::string& prefix) {
  const auto steps = state.get_scalar<std::int64_t>(prefix + "steps");
  const std::vector<double> rates = state.get<double>(prefix + "rates");
  std::vector<std::int64_t> applied = state.get<std::int64_t>(prefix + "fresh_until");
  std::vector<std::int64_t> last_active = state.get<std::int64_t>(prefix + "last_active");
  const auto within = [&](const std::vector<std::int64_t>& values, std::int64_t low) {
    return values.size() == applied_.size() &&
           std::all_of(values.begin(), values.end(), [&](std::int64_t v) { return v >= low && v <= steps; });
  };
  const std::int64_t history_start = steps - static_cast<std::int64_t>(rates.size());
  if (history_start < 0 || !within(applied, history_start) || !within(last_active, 0)) {
    throw Error(ErrorKind::kFormat, prefix + "*: step counts contradict each other; the state is damaged, use an earlier one");
  }
  clear_history();
  for (const double rate : rates) append(rate);
  steps_ = steps;
  applied_ = std::move(applied);
  last_active_ = std::move(last_active);
}

}  // namespace aface
