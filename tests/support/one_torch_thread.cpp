// All tests of this binary run torch on one thread: repeatable bit for bit, and quicker for nets as small as
// these on a machine that does other things too.
#include <gtest/gtest.h>

#include "aface/nn/torch_compat.h"

namespace aface {
namespace {

class OneThread : public ::testing::Environment {
 public:
  void SetUp() override { set_torch_threads(1); }
};

[[maybe_unused]] const auto* const one_thread = ::testing::AddGlobalTestEnvironment(new OneThread);

}  // namespace
}  // namespace aface
