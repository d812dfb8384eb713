#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/registry.h"
#include "aface/head/head.h"

namespace aface {

// Of make_head().
struct HeadSize {
  std::int64_t num_identities, of_all_ranks;
  const std::vector<double>& relative_images;
};

using MakeHead = std::function<std::unique_ptr<Head>(const HeadOptions&, const HeadSize&)>;

// All heads by the names that HeadOptions::kind takes.
const std::vector<RegistryRow<MakeHead>>& head_registry();

}  // namespace aface
