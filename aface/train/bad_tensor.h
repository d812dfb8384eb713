#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

#include "aface/nn/backbone.h"

namespace aface {

// Looking for the tensor with which a step went wrong. Slow; for steps that have failed.

bool is_finite(const at::Tensor& values);
// Of a tensor [rows, ...]: the first row that is not finite.
std::optional<std::int64_t> first_bad_row(const at::Tensor& rows);

// Names as Backbone::named_parameters() has them, the first in the order of the forward pass.
std::optional<std::string> first_bad_parameter(const Backbone& backbone);
std::optional<std::string> first_bad_buffer(const Backbone& backbone);  // running statistics
// The last in the order of the forward pass: backward it was the first.
std::optional<std::string> first_bad_gradient(const Backbone& backbone);

// Runs the network on the chips once more, in LibTorch's operations, and watches what each of them makes of finite
// tensors: "aten::conv2d with conv1.weight". Parameters must be finite. Changes the running statistics.
std::optional<std::string> first_bad_output(Backbone& backbone, const at::Tensor& chips, bool bf16);

}  // namespace aface
