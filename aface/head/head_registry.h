#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/registry.h"
#include "aface/head/head.h"

namespace aface {

using MakeHead = std::function<std::unique_ptr<Head>(const HeadOptions&, std::int64_t num_identities, std::int64_t of_all_ranks)>;

// All heads by the names that HeadOptions::kind takes.
const std::vector<RegistryRow<MakeHead>>& head_registry();

}  // namespace aface
