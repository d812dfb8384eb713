#include "aface/nearest/index_rows.h"

#include <fmt/core.h>

#include <utility>

#include "aface/core/error.h"

namespace aface {
namespace {

constexpr char kKind[] = "nearest.kind";
constexpr char kRows[] = "nearest.rows";

}  // namespace

void put_index_kind(NamedArrays& state, const std::string& kind) { state.metadata[kKind] = kind; }

void check_index_kind(const NamedArrays& state, const std::string& kind) {
  if (const std::string& saved = state.text(kKind); saved != kind) {
    throw Error(ErrorKind::kData,
                fmt::format("neighbour index: another kind (expected {}, got {}); choose that kind or start "
                            "a new run",
                            kind, saved));
  }
}

void put_index_rows(NamedArrays& state, const std::string& kind, std::size_t rows, std::size_t dim,
                    ArrayBytes bytes) {
  put_index_kind(state, kind);
  NamedArray array;
  array.type = DataType::kFloat32;
  array.shape = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(dim)};
  array.bytes = std::move(bytes);
  state.arrays[kRows] = std::move(array);
}

IndexRows get_index_rows(const NamedArrays& state, const std::string& kind) {
  check_index_kind(state, kind);
  IndexRows rows;
  rows.values = state.get<float>(kRows);
  const std::vector<std::int64_t>& shape = state.at(kRows).shape;
  if (shape.size() != 2)
    throw Error(ErrorKind::kFormat, fmt::format("array '{}': expected rows of values", kRows));
  rows.rows = static_cast<std::size_t>(shape[0]);
  rows.dim = static_cast<std::size_t>(shape[1]);
  return rows;
}

}  // namespace aface
