#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace aface {

// Our own generator (xoshiro256++, Blackman and Vigna 2019), so that a draw is the same on every platform and
// its state can be saved. Not thread-safe; make one per stream instead of sharing.
class Random {
 public:
  using State = std::array<std::uint64_t, 4>;

  // Streams with different (seed, a, b) are independent: a sample's augmentation uses (seed, step, sample id),
  // whichever worker draws it.
  explicit Random(std::uint64_t seed, std::uint64_t a = 0, std::uint64_t b = 0);

  std::uint64_t next();
  double uniform();                         // [0, 1), 53 bits
  double uniform(double low, double high);  // [low, high)
  double normal();                          // mean 0, standard deviation 1
  std::int64_t below(std::int64_t n);       // 0 .. n-1 without bias; n > 0
  bool chance(double probability);          // true with this probability

  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1], values[static_cast<std::size_t>(below(static_cast<std::int64_t>(i)))]);
    }
  }

  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  State state_;
};

}  // namespace aface
