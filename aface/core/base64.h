#pragma once

#include <string>

#include "aface/core/span.h"

namespace aface {

// RFC 4648, with padding.
std::string base64(Span<const unsigned char> bytes);

}  // namespace aface
