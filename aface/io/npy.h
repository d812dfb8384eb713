#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"

namespace aface {

// A matrix of embeddings as NumPy stores it: one row per image.
struct NpyMatrix {
  std::int64_t rows = 0;
  std::int64_t dim = 0;
  std::vector<float> values;  // row-major [rows, dim]

  RowMatrix view() const {
    return {values.data(), static_cast<std::size_t>(rows), static_cast<std::size_t>(dim)};
  }
};

// What stands in the header of a .npy file.
struct NpyHeader {
  DataType type = DataType::kFloat32;
  bool fortran_order = false;  // values lie column by column
  std::vector<std::int64_t> shape;
  std::uint64_t data_offset = 0;  // of the first value in the file; 0 from parse_npy_header
};

// Reads the dictionary of a header, {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. `place`
// begins the message. Throws Error{kFormat} for anything but little-endian float16, float32 or float64.
NpyHeader parse_npy_header(const std::string& dictionary, const std::string& place);

// The header of a matrix [rows, dim], for callers that map the values. The size it promises is that of the
// file. Throws Error{kIo} or Error{kFormat}, also for another number of dimensions.
NpyHeader read_npy_matrix_header(const std::string& path);

// Reads a two-dimensional .npy file (format 1.0 to 3.0) of float16, float32 or float64 values as float32,
// whichever order they lie in; at no time is more than the matrix and a buffer of a few columns held. The
// size promised by the header must be that of the file, which is checked before memory is taken. Values are
// not judged: NaN stays NaN. Throws Error{kIo} or Error{kFormat}.
NpyMatrix read_npy_matrix(const std::string& path);

// Writes format 1.0, float32, C order, the data aligned to 64 bytes, as NumPy does. Atomic. Throws
// Error{kIo}.
void write_npy_matrix(const std::string& path, RowMatrix matrix);

}  // namespace aface
