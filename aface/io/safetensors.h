#pragma once

#include <map>
#include <string>

#include "aface/core/named_arrays.h"

namespace aface {

// The format carries no checksum. A file can be given one of ours: metadata "checksum", 16 hexadecimal digits over all
// bytes of the file as they are with zeros in the place of these digits. Other readers see one more line of metadata.
enum class FileChecksum { kNone, kWritten };

// The safetensors format: u64 header size, JSON header, raw little-endian arrays without gaps. The data start at a
// multiple of 8 bytes and wider element types come first, so every array is aligned to its elements.
// Written atomically and straight from the arrays' own memory. Throws Error{kIo}; Error{kUsage} when a name or a
// metadata text is not UTF-8.
void write_safetensors(const std::string& path, const NamedArrays& arrays, FileChecksum checksum = FileChecksum::kNone);

// Reads the whole file once. Throws Error{kIo}, or Error{kFormat} when it is not what was written with a checksum.
void verify_safetensors(const std::string& path);

// Sizes and offsets are checked against the file before anything is allocated; the header may be 100 MB at most. Arrays
// of 16 MiB and more stay in the file, which is kept open, and are read when their bytes are asked for.
// Throws Error{kIo} or Error{kFormat} with the path and what is wrong. A damaged letter of a name or a damaged value is
// not noticed here but by verify_safetensors().
NamedArrays read_safetensors(const std::string& path);

// Only the metadata, without reading the arrays; same checks, same errors.
std::map<std::string, std::string> read_safetensors_metadata(const std::string& path);

}  // namespace aface
