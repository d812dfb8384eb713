#include "aface/nn/plain_operations.h"

namespace aface {
namespace {

thread_local bool plain_operations = false;

}  // namespace

PlainOperationsGuard::PlainOperationsGuard() : before_(plain_operations) { plain_operations = true; }
PlainOperationsGuard::~PlainOperationsGuard() { plain_operations = before_; }

bool are_plain_operations_wanted() { return plain_operations; }

}  // namespace aface
