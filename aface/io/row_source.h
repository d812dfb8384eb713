#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// Embeddings that are read block by block, for sets that need not fit into memory. Safe to read from several
// threads.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual std::size_t rows() const = 0;
  virtual std::size_t dim() const = 0;
  // Rows [begin, end) in float32, row by row. The view lies in the source's own memory or in `buffer`, and is
  // good until the next use of `buffer`. Throws Error{kIo|kFormat} naming the file.
  virtual RowMatrix read(std::size_t begin, std::size_t end, std::vector<float>& buffer) const = 0;
};

// Rows that are in memory already; the view must outlive the source.
class MemoryRows : public RowSource {
 public:
  explicit MemoryRows(RowMatrix rows) : rows_(rows) {}
  std::size_t rows() const override { return rows_.rows; }
  std::size_t dim() const override { return rows_.dim; }
  RowMatrix read(std::size_t begin, std::size_t end, std::vector<float>&) const override {
    return {rows_.row(begin), end - begin, rows_.dim};
  }

 private:
  RowMatrix rows_;
};

// A .npy matrix (io/npy.h). float32 in C order is mapped and never copied; any other form is converted in
// memory.
std::unique_ptr<RowSource> open_npy_rows(const std::string& path);

// One feature file (io/feature_file.h) a row: <folder>/<name><suffix>. All must have the length of the first.
// Throws Error{kIo} when the first is missing.
std::unique_ptr<RowSource> open_feature_folder(const std::string& folder,
                                               const std::vector<std::string>& names,
                                               const std::string& suffix);

// Some rows of another source, in any order; `source` and the returned object share it.
std::unique_ptr<RowSource> select_rows(std::shared_ptr<const RowSource> source,
                                       std::vector<std::int64_t> rows);

}  // namespace aface
