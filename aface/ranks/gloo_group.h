#pragma once

#include <torch/version.h>
#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/Backend.hpp>
#else
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#endif

#include "aface/ranks/launch_environment.h"
#include "aface/ranks/meeting.h"

namespace aface {

// What does collective operations: c10d's groups have had a base class of their own since LibTorch 2.
#if TORCH_VERSION_MAJOR >= 2
using CollectiveGroup = c10d::Backend;
#else
using CollectiveGroup = c10d::ProcessGroup;
#endif

// Throws Error{kUsage} where LibTorch came without Gloo's headers.
void require_gloo();

// Gloo among all ranks, over the interface that they talk through. Returns when all are connected. Throws
// what Gloo throws, and as require_gloo().
c10::intrusive_ptr<CollectiveGroup> make_gloo_group(const LaunchEnvironment& environment,
                                                    const Meeting& meeting);

}  // namespace aface
