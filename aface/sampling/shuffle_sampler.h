#pragma once

#include "aface/sampling/sampler.h"

namespace aface {

// Each sample once an epoch, in an order that depends on seed and epoch alone; a draw may run across the border of
// two epochs. The saved state is seed, epoch and place.
class ShuffleSampler : public Sampler {
 public:
  ShuffleSampler(std::size_t num_samples, std::uint64_t seed);

  std::vector<std::int64_t> draw(std::int64_t count) override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;

 private:
  void start_epoch();

  std::uint64_t seed_;
  std::int64_t epoch_ = 0;
  std::size_t place_ = 0;             // next entry of order_
  std::vector<std::uint32_t> order_;  // this epoch's samples
};

}  // namespace aface
