#pragma once

#include <string>

#include "aface/core/named_arrays.h"

namespace aface {

// The safetensors format: u64 header size, JSON header, raw little-endian arrays. Written atomically.
void write_safetensors(const std::string& path, const NamedArrays& arrays);

// Sizes and offsets are checked against the file before anything is allocated. Throws Error{kIo} or Error{kFormat}
// with the path and what is wrong.
NamedArrays read_safetensors(const std::string& path);

}  // namespace aface
