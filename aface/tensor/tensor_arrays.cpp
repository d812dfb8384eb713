#include "aface/tensor/tensor_arrays.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "aface/core/check.h"

namespace aface {

DataType data_type_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return DataType::kFloat32;
    case at::kDouble:
      return DataType::kFloat64;
    case at::kHalf:
      return DataType::kFloat16;
    case at::kBFloat16:
      return DataType::kBFloat16;
    case at::kInt:
      return DataType::kInt32;
    case at::kLong:
      return DataType::kInt64;
    case at::kByte:
      return DataType::kUint8;
    case at::kBool:
      return DataType::kBool;
    default:
      break;
  }
  AFACE_CHECK(false, "tensors of type {} are not saved", at::toString(type));
}

at::ScalarType scalar_type_of(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return at::kFloat;
    case DataType::kFloat64:
      return at::kDouble;
    case DataType::kFloat16:
      return at::kHalf;
    case DataType::kBFloat16:
      return at::kBFloat16;
    case DataType::kInt32:
      return at::kInt;
    case DataType::kInt64:
      return at::kLong;
    case DataType::kUint8:
      return at::kByte;
    case DataType::kBool:
      return at::kBool;
    case DataType::kUint64:
      break;
  }
  throw Error(ErrorKind::kFormat, fmt::format("arrays of type {} are no tensors", type_name(type)));
}

NamedArray to_array(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().to(at::kCPU).contiguous();
  NamedArray array;
  array.type = data_type_of(plain.scalar_type());
  array.shape = plain.sizes().vec();
  const auto* bytes = static_cast<const unsigned char*>(plain.data_ptr());
  array.bytes = std::vector<unsigned char>(bytes, bytes + plain.nbytes());
  return array;
}

at::Tensor to_tensor(const NamedArray& array) {
  const at::Tensor tensor = at::empty(array.shape, scalar_type_of(array.type));
  AFACE_CHECK(tensor.nbytes() == array.bytes.size(), "array of {} bytes, expected {}", array.bytes.size(), tensor.nbytes());
  array.bytes.copy_to(tensor.data_ptr());
  return tensor;
}

at::Tensor to_tensor_like(const NamedArrays& state, const std::string& name, const at::Tensor& like) {
  const NamedArray& array = state.at(name);
  if (array.type != data_type_of(like.scalar_type()) || array.shape != like.sizes().vec()) {
    throw Error(ErrorKind::kFormat, fmt::format("array '{}' does not fit (expected {}, got {}); the state is of another "
                                                "network or data set",
                                                name, shape_text(like), shape_text(array)));
  }
  return to_tensor(array);
}

std::string shape_text(const NamedArray& array) {
  return fmt::format("{} [{}]", type_name(array.type), fmt::join(array.shape, ", "));
}

std::string shape_text(const at::Tensor& tensor) {
  return fmt::format("{} [{}]", type_name(data_type_of(tensor.scalar_type())), fmt::join(tensor.sizes(), ", "));
}

}  // namespace aface
