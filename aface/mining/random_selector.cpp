#include "aface/mining/random_selector.h"

#include "aface/core/random_state.h"
#include "aface/mining/selector_state.h"

namespace aface {

RandomSelector::RandomSelector(const MinerOptions& options, std::int64_t num_identities, std::uint64_t seed)
    : budget_(options.budget), active_(num_identities), random_(seed) {}

std::vector<std::int64_t> RandomSelector::select(const SelectionRequest& request) {
  active_.insert_own(request.identities, budget_);
  active_.fill_at_random(budget_, random_);
  return active_.take();
}

void RandomSelector::save(NamedArrays& state) const {
  put_selector_header(state, "random", active_.num_identities());
  put_random(state, "miner.random", random_);
}

void RandomSelector::restore(const NamedArrays& state) {
  check_selector_header(state, "random", active_.num_identities());
  random_.set_state(get_random(state, "miner.random"));
}

}  // namespace aface
