#include "aface/mining/all_selector.h"

#include <numeric>

#include "aface/mining/selector_state.h"

namespace aface {

std::vector<std::int64_t> AllSelector::select(const SelectionRequest&) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(num_identities_));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

void AllSelector::save(NamedArrays& state) const { put_selector_header(state, "all", num_identities_); }
void AllSelector::restore(const NamedArrays& state) { check_selector_header(state, "all", num_identities_); }

}  // namespace aface
