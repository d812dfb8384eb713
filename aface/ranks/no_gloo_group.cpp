// In place of gloo_group.cpp where LibTorch comes without Gloo's headers, as in PyTorch's Python packages.
#include "aface/core/error.h"
#include "aface/ranks/gloo_group.h"

namespace aface {

void require_gloo() {
  throw Error(
      ErrorKind::kUsage,
      "several ranks: this program was built with a LibTorch that has no headers of Gloo; start one rank, or "
      "build with a LibTorch that has them");
}

c10::intrusive_ptr<CollectiveGroup> make_gloo_group(const LaunchEnvironment& /*environment*/,
                                                    const Meeting& /*meeting*/) {
  require_gloo();
  return {};
}

}  // namespace aface
