#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "aface/core/named_arrays.h"

namespace aface {

// Torch tensors to the project's named arrays and back, for weights and training state.

DataType data_type_of(at::ScalarType type);      // throws Error{kInternal} for types that are never saved
at::ScalarType scalar_type_of(DataType type);

// A copy of the values on the CPU, in row-major order.
NamedArray to_array(const at::Tensor& tensor);

// A CPU tensor of the array's type and shape.
at::Tensor to_tensor(const NamedArray& array);

// The array `name` as a CPU tensor with the type and shape of `like`; throws Error{kFormat} naming both when it is
// missing or differs.
at::Tensor to_tensor_like(const NamedArrays& state, const std::string& name, const at::Tensor& like);

// "F32 [2, 3]", for messages.
std::string shape_text(const NamedArray& array);
std::string shape_text(const at::Tensor& tensor);

}  // namespace aface
