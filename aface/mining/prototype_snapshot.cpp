#include "aface/mining/prototype_snapshot.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "aface/core/parallel.h"
#include "aface/nearest/unit_row_check.h"

namespace aface {
namespace {

constexpr std::int64_t kBlock = 1024;  // rows of a block; two MB of float32 at 512 values stay in the cache

}  // namespace

PrototypeSnapshot::PrototypeSnapshot(const UnitRows& prototypes, int threads)
    : count_(prototypes.count),
      dim_(prototypes.dim),
      blocks_(static_cast<std::size_t>((prototypes.count + kBlock - 1) / kBlock)) {
  const std::vector<double> ones(kBlock, 1.0);
  parallel_for(count_, kBlock, threads, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> rows(static_cast<std::size_t>((last - first) * dim_));
    prototypes.read_block(first, last - first, rows.data());
    const RowMatrix block{rows.data(), static_cast<std::size_t>(last - first), static_cast<std::size_t>(dim_)};
    std::vector<std::int32_t> ids(block.rows);
    std::iota(ids.begin(), ids.end(), static_cast<std::int32_t>(first));
    check_unit_rows(block, ids, "prototype of identity", 1);
    quantise(block, ones, blocks_[static_cast<std::size_t>(first / kBlock)]);
  });
}

CodedRows::Row PrototypeSnapshot::code(std::int64_t identity) const {
  const QuantisedGallery& block = blocks_[static_cast<std::size_t>(identity / kBlock)];
  const auto row = static_cast<std::size_t>(identity % kBlock);
  return {block.values.data() + row * block.stride, block.scale[row], block.offset[row]};
}

CodedRows PrototypeSnapshot::coded_rows() const {
  CodedRows rows;
  rows.rows = static_cast<std::size_t>(count_);
  rows.stride = blocks_.empty() ? 0 : blocks_.front().stride;
  rows.row = [this](std::int32_t id) { return code(id); };
  return rows;
}

void PrototypeSnapshot::read(std::int64_t first, std::int64_t count, float* out) const {
  for (std::int64_t id = first; id < first + count; ++id, out += dim_) {
    const std::int8_t* values = code(id).values;
    std::int32_t squares = 0;
    for (std::int64_t d = 0; d < dim_; ++d) squares += std::int32_t{values[d]} * std::int32_t{values[d]};
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(squares)));
    for (std::int64_t d = 0; d < dim_; ++d) out[d] = static_cast<float>(values[d]) * scale;
  }
}

float PrototypeSnapshot::similarity(std::int64_t a, std::int64_t b) const {
  const CodedRows::Row left = code(a), right = code(b);
  std::int32_t product = 0;
  for (std::int64_t d = 0; d < dim_; ++d) product += std::int32_t{left.values[d]} * std::int32_t{right.values[d]};
  return static_cast<float>(product) * left.scale * right.scale;
}

}  // namespace aface
