#pragma once

#include <cstdint>
#include <string>

namespace aface {

// Bytes that this process can still fill without pushing the machine or its control group (version 1 or 2, a
// container's among them) into swapping or killing: caches that can be dropped count as free. A very large number
// where the system does not tell.
std::uint64_t available_memory();

// The most bytes that this process has had resident so far; 0 where the system does not tell.
std::uint64_t peak_memory();

// "4.1 GB", for messages; decimal units.
std::string bytes_text(double bytes);

}  // namespace aface
