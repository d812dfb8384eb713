#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "aface/core/span.h"

namespace aface {

// Float rows [rows, dim] in one piece, zeros at first, mapped straight from the system: pages take memory when they are
// first touched. In memory, or in a file of `folder` that the system keeps what fits of; the file has no name (none is
// left behind, whatever ends the process) and its room on the disk is taken at once.
class FlatRows {
 public:
  // `folder` empty: in memory. Throws Error{kIo} when the folder or its disk cannot hold the file, Error{kUsage} when
  // the system gives no address range.
  FlatRows(std::int64_t rows, std::int64_t dim, const std::string& folder = "");
  ~FlatRows();
  FlatRows(const FlatRows&) = delete;
  FlatRows& operator=(const FlatRows&) = delete;

  std::int64_t rows() const { return rows_; }
  std::int64_t dim() const { return dim_; }
  std::size_t bytes() const { return static_cast<std::size_t>(rows_) * static_cast<std::size_t>(dim_) * sizeof(float); }
  float* row(std::int64_t i) { return data_ + i * dim_; }
  const float* row(std::int64_t i) const { return data_ + i * dim_; }
  RowMatrix matrix() const { return {data_, static_cast<std::size_t>(rows_), static_cast<std::size_t>(dim_)}; }

 private:
  std::int64_t rows_, dim_;
  float* data_ = nullptr;
};

}  // namespace aface
