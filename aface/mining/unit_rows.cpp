#include "aface/mining/unit_rows.h"

#include <algorithm>

#include "aface/core/parallel.h"

namespace aface {
namespace {

constexpr std::int64_t kBlock = 1024;  // rows

}  // namespace

UnitRows unit_rows_of(RowMatrix rows) {
  UnitRows source;
  source.count = static_cast<std::int64_t>(rows.rows);
  source.dim = static_cast<std::int64_t>(rows.dim);
  source.read_block = [rows](std::int64_t first, std::int64_t count, float* out) {
    const float* begin = rows.row(static_cast<std::size_t>(first));
    std::copy(begin, begin + static_cast<std::size_t>(count) * rows.dim, out);
  };
  source.read_rows = [rows](Span<const std::int64_t> ids, float* out) {
    for (const std::int64_t id : ids) {
      const float* row = rows.row(static_cast<std::size_t>(id));
      out = std::copy(row, row + rows.dim, out);
    }
  };
  return source;
}

RowBlocks blocks_of(const UnitRows& source) {
  RowBlocks blocks;
  blocks.rows = static_cast<std::size_t>(source.count);
  blocks.dim = static_cast<std::size_t>(source.dim);
  blocks.read = [read = source.read_block](std::size_t first, std::size_t count, float* out) {
    read(static_cast<std::int64_t>(first), static_cast<std::int64_t>(count), out);
  };
  return blocks;
}

std::vector<float> all_rows(const UnitRows& source, int threads) {
  std::vector<float> rows(static_cast<std::size_t>(source.count * source.dim));
  parallel_for(source.count, kBlock, threads, [&](std::int64_t first, std::int64_t last) {
    source.read_block(first, last - first, rows.data() + first * source.dim);
  });
  return rows;
}

}  // namespace aface
