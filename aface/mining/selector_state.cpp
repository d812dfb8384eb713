#include "aface/mining/selector_state.h"

#include <fmt/core.h>

namespace aface {

void put_selector_header(NamedArrays& state, const std::string& kind, std::int64_t num_identities) {
  state.metadata["miner.kind"] = kind;
  state.put_scalar<std::int64_t>("miner.num_identities", num_identities);
}

void check_selector_header(const NamedArrays& state, const std::string& kind, std::int64_t num_identities) {
  const std::string& saved_kind = state.text("miner.kind");
  if (saved_kind != kind) {
    throw Error(ErrorKind::kFormat, fmt::format("miner state: expected kind '{}', got '{}'; set mining.kind to it or "
                                                "start a new run", kind, saved_kind));
  }
  const auto saved_identities = state.get_scalar<std::int64_t>("miner.num_identities");
  if (saved_identities != num_identities) {
    throw Error(ErrorKind::kFormat, fmt::format("miner state: expected {} identities, got {}; it belongs to another data "
                                                "set", num_identities, saved_identities));
  }
}

}  // namespace aface
