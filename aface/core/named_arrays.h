#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aface/core/array_bytes.h"
#include "aface/core/error.h"

namespace aface {

// Element types, named as safetensors names them.
enum class DataType { kFloat32, kFloat64, kFloat16, kBFloat16, kInt32, kInt64, kUint8, kUint64, kBool };

std::size_t byte_size(DataType type);
const char* type_name(DataType type);                    // "F32", "I64", ...
DataType type_from_name(const std::string& name);        // throws Error{kFormat} on an unknown name

template <class T>
DataType data_type_of();
template <>
inline DataType data_type_of<float>() { return DataType::kFloat32; }
template <>
inline DataType data_type_of<double>() { return DataType::kFloat64; }
template <>
inline DataType data_type_of<std::int32_t>() { return DataType::kInt32; }
template <>
inline DataType data_type_of<std::int64_t>() { return DataType::kInt64; }
template <>
inline DataType data_type_of<std::uint8_t>() { return DataType::kUint8; }
template <>
inline DataType data_type_of<std::uint64_t>() { return DataType::kUint64; }

// A dense row-major array of any type; bytes are little-endian.
struct NamedArray {
  DataType type = DataType::kFloat32;
  std::vector<std::int64_t> shape;
  ArrayBytes bytes;
};

// Arrays and text by name: the body of a weight file or of a checkpoint. Every part of a training run (sampler,
// selector, head, optimiser) writes its state into one of these under its own prefix, and reads it back.
class NamedArrays {
 public:
  std::map<std::string, NamedArray> arrays;
  std::map<std::string, std::string> metadata;

  // Copies what is only viewed or still in a file, so that the state outlives its source.
  void own_all();

  bool has(const std::string& name) const { return arrays.count(name) != 0; }
  // Throws Error{kFormat} naming the array when it is missing.
  const NamedArray& at(const std::string& name) const;
  const std::string& text(const std::string& name) const;  // metadata, same rule

  template <class T>
  void put(const std::string& name, const std::vector<T>& values, std::vector<std::int64_t> shape = {}) {
    if (shape.empty()) shape = {static_cast<std::int64_t>(values.size())};
    NamedArray array;
    array.type = data_type_of<T>();
    array.shape = std::move(shape);
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    array.bytes = std::vector<unsigned char>(bytes, bytes + values.size() * sizeof(T));
    arrays[name] = std::move(array);
  }
  template <class T>
  void put_scalar(const std::string& name, T value) {
    put<T>(name, std::vector<T>{value});
  }

  // Throws Error{kFormat} when the array is missing or holds another type.
  template <class T>
  std::vector<T> get(const std::string& name) const {
    const NamedArray& array = at(name);
    require_type(name, array, data_type_of<T>());
    std::vector<T> values(array.bytes.size() / sizeof(T));
    array.bytes.read(0, values.size() * sizeof(T), values.data());
    return values;
  }
  template <class T>
  T get_scalar(const std::string& name) const {
    const std::vector<T> values = get<T>(name);
    if (values.size() != 1) throw Error(ErrorKind::kFormat, "array '" + name + "': expected one value");
    return values[0];
  }

 private:
  static void require_type(const std::string& name, const NamedArray& array, DataType type);
};

}  // namespace aface
