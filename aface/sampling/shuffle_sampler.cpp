#include "aface/sampling/shuffle_sampler.h"

#include <fmt/core.h>

#include <numeric>

#include "aface/core/random.h"
#include "aface/sampling/sampler_state.h"

namespace aface {

ShuffleSampler::ShuffleSampler(std::size_t num_samples, std::uint64_t seed) : seed_(seed), order_(num_samples) {
  start_epoch();
}

void ShuffleSampler::start_epoch() {
  std::iota(order_.begin(), order_.end(), 0U);
  Random(seed_, static_cast<std::uint64_t>(epoch_)).shuffle(order_);
}

std::vector<std::int64_t> ShuffleSampler::draw(std::int64_t count) {
  std::vector<std::int64_t> ids;
  ids.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    if (place_ == order_.size()) {
      ++epoch_;
      place_ = 0;
      start_epoch();
    }
    ids.push_back(order_[place_++]);
  }
  return ids;
}

void ShuffleSampler::save(NamedArrays& state) const {
  put_sampler_header(state, "shuffle", order_.size());
  state.put_scalar<std::uint64_t>("sampler.seed", seed_);
  state.put_scalar<std::int64_t>("sampler.epoch", epoch_);
  state.put_scalar<std::uint64_t>("sampler.place", place_);
}

void ShuffleSampler::restore(const NamedArrays& state) {
  check_sampler_header(state, "shuffle", order_.size());
  const auto seed = state.get_scalar<std::uint64_t>("sampler.seed");
  const auto epoch = state.get_scalar<std::int64_t>("sampler.epoch");
  const auto place = state.get_scalar<std::uint64_t>("sampler.place");
  if (epoch < 0 || place > order_.size()) {
    throw Error(ErrorKind::kFormat,
                fmt::format("sampler state: epoch {} and place {} of {} samples", epoch, place, order_.size()));
  }
  seed_ = seed;
  epoch_ = epoch;
  place_ = static_cast<std::size_t>(place);
  start_epoch();
}

}  // namespace aface
