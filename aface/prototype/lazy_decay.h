#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"

namespace aface {

// Which optimiser steps each row of a table still lacks, and what they amount to. A step of SGD with momentum and weight
// decay at rate r that brings a row (w, v) no gradient,
//   v <- momentum v + decay w,   w <- w - r v,
// is the linear map [1 - r decay, -r momentum; decay, momentum] of (w, v), so that any number of missed steps is one
// 2 x 2 matrix: the product of theirs, the newest on the left. Products over aligned runs of 2^k steps are kept, so that
// the matrix of n missed steps costs log2(n) small products, and a step costs two on average.
class LazyDecay {
 public:
  // (w, v) <- (ww w + wv v, vw w + vv v)
  struct Matrix {
    double ww = 1, wv = 0, vw = 0, vv = 1;
  };
  // A history this long is due to be ended by catching up all rows; it takes 72 bytes a step.
  static constexpr std::int64_t kLongestHistory = 1 << 16;

  LazyDecay(std::int64_t rows, double momentum, double weight_decay);

  std::int64_t rows() const { return static_cast<std::int64_t>(applied_.size()); }
  std::int64_t steps() const { return steps_; }
  // Steps that a row can lack; 0: no row lacks any.
  std::int64_t history() const { return static_cast<std::int64_t>(rates_.size()); }

  // The steps that row lacks. Threads may ask at the same time.
  bool is_behind(std::int64_t row) const { return applied_[static_cast<std::size_t>(row)] != steps_; }
  Matrix missing(std::int64_t row) const;

  // A step has been taken; `active` rows, which lacked none, had it with a gradient. The others lack one more.
  void add_step(double rate, Span<const std::int64_t> active);
  // All rows have all steps: ends the history.
  void mark_caught_up();

  // Steps since the row that was active longest ago was so (a row that never was: since the start), and the share of
  // rows that never were.
  std::int64_t stalest_age() const;
  double share_never_active() const;

  // Under prefix + "steps", "rates", "fresh_until" and "last_active". The restored one gives the same bits.
  void save(NamedArrays& state, const std::string& prefix) const;
  // Throws Error{kFormat} when the numbers contradict each other or the number of rows, and changes nothing then.
  void restore(const NamedArrays& state, const std::string& prefix);

 private:
  static constexpr std::size_t kLevels = 63;

  void append(double rate);
  void clear_history();

  double momentum_, decay_;
  std::int64_t steps_ = 0;
  std::vector<double> rates_;  // of the newest steps; all others have been applied to all rows
  // With steps counted from the start of the history: levels_[k][j] is the product of steps j 2^k ... (j + 1) 2^k - 1.
  std::vector<std::vector<Matrix>> levels_;
  // until_now_[k]: product from the history's length with its lowest k bits cleared, up to now.
  std::array<Matrix, kLevels> until_now_;
  std::vector<std::int64_t> applied_;      // [rows] steps the row has
  std::vector<std::int64_t> last_active_;  // [rows] steps_ after its last step with gradient; 0: never
};

}  // namespace aface
