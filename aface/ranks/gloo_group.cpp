#include "aface/ranks/gloo_group.h"

#include <chrono>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

namespace aface {
namespace {

// Liveness ends waiting much sooner; this is for what it cannot see.
constexpr std::chrono::minutes kLongestOperation{30};

}  // namespace

void require_gloo() {}

c10::intrusive_ptr<CollectiveGroup> make_gloo_group(const LaunchEnvironment& environment,
                                                    const Meeting& meeting) {
  auto options = c10d::ProcessGroupGloo::Options::create(kLongestOperation);
  const std::string interface = wanted_interface(), own = own_address(environment);
  options->devices.push_back(!interface.empty() ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                             : own.empty()      ? c10d::ProcessGroupGloo::createDefaultDevice()
                                                : c10d::ProcessGroupGloo::createDeviceForHostname(own));
  options->threads = 2;
  return c10::make_intrusive<c10d::ProcessGroupGloo>(meeting.store, environment.rank, environment.world_size,
                                                     options);
}

}  // namespace aface
