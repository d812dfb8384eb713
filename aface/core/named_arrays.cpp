#include "aface/core/named_arrays.h"

#include <fmt/core.h>

#include <utility>

namespace aface {
namespace {

struct TypeRow {
  DataType type;
  const char* name;
  std::size_t size;
};

constexpr TypeRow kTypes[] = {
    {DataType::kFloat32, "F32", 4}, {DataType::kFloat64, "F64", 8}, {DataType::kFloat16, "F16", 2},
    {DataType::kBFloat16, "BF16", 2}, {DataType::kInt32, "I32", 4}, {DataType::kInt64, "I64", 8},
    {DataType::kUint8, "U8", 1}, {DataType::kUint64, "U64", 8}, {DataType::kBool, "BOOL", 1},
};

const TypeRow& row_of(DataType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return row;
  }
  throw Error(ErrorKind::kInternal, "unknown data type");
}

}  // namespace

std::size_t byte_size(DataType type) { return row_of(type).size; }
const char* type_name(DataType type) { return row_of(type).name; }

DataType type_from_name(const std::string& name) {
  for (const TypeRow& row : kTypes) {
    if (name == row.name) return row.type;
  }
  throw Error(ErrorKind::kFormat, fmt::format("unknown element type '{}'", name));
}

void NamedArrays::own_all() {
  for (auto& item : arrays) item.second.bytes = item.second.bytes.to_vector();
}

const NamedArray& NamedArrays::at(const std::string& name) const {
  const auto found = arrays.find(name);
  if (found == arrays.end()) throw Error(ErrorKind::kFormat, fmt::format("array '{}' is missing", name));
  return found->second;
}

const std::string& NamedArrays::text(const std::string& name) const {
  const auto found = metadata.find(name);
  if (found == metadata.end()) throw Error(ErrorKind::kFormat, fmt::format("metadata '{}' is missing", name));
  return found->second;
}

void NamedArrays::require_type(const std::string& name, const NamedArray& array, DataType type) {
  if (array.type == type) return;
  throw Error(ErrorKind::kFormat,
              fmt::format("array '{}': expected {}, got {}", name, type_name(type), type_name(array.type)));
}

}  // namespace aface
