#pragma once

#include <string>
#include <vector>

namespace aface {

// One embedding as MegaFace's devkit exchanges it, an OpenCV matrix written raw: four int32 (rows, columns,
// bytes from one row to the next, element type 5 = float32), then the values; all little-endian. Either side
// of the matrix may be the one of length 1. Values are not judged: NaN stays NaN. Throws Error{kIo}, or
// Error{kFormat} naming the file when the header is another one or does not fit the file's size.
std::vector<float> read_feature_file(const std::string& path);

}  // namespace aface
