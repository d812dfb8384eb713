#include "aface/nn/dense_conv.h"

#include <torch/autograd.h>

#include "aface/core/check.h"
#include "aface/kernel/bf16_conv.h"
#include "aface/nn/batch_scope.h"
#include "aface/nn/kernel_tensors.h"
#include "aface/nn/plain_operations.h"
#include "aface/nn/torch_compat.h"

namespace aface {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

struct Geometry {
  std::int64_t stride, padding;
};

Bf16ConvShape shape_of(const Tensor& x, const Tensor& weight, const Geometry& geometry) {
  Bf16ConvShape shape;
  shape.batch = x.size(0);
  shape.height = x.size(2);
  shape.width = x.size(3);
  shape.in = x.size(1);
  shape.out = weight.size(0);
  shape.kernel = weight.size(2);
  shape.stride = geometry.stride;
  shape.padding = geometry.padding;
  return shape;
}

Tensor forward_of(const Tensor& x, const Tensor& weight, const Geometry& geometry) {
  const Bf16ConvShape shape = shape_of(x, weight, geometry);
  const Tensor y = at::empty({shape.batch, shape.out, shape.out_height(), shape.out_width()},
                             x.options().memory_format(kChannelsLast));
  const Tensor rows = weight.detach().contiguous(kChannelsLast);
  bf16_conv_forward(shape, values_of<const Bf16>(x), values_of<const float>(rows), values_of<Bf16>(y),
                    on_torch_threads);
  return y;
}

class DenseConvolution : public torch::autograd::Function<DenseConvolution> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, std::int64_t stride,
                        std::int64_t padding, int parts) {
    context->save_for_backward({x, weight});
    context->saved_data["parts"] = parts;
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    return forward_of(x, weight, {stride, padding});
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    AFACE_CHECK(!at::GradMode::is_enabled(), "our convolution is not twice differentiable");
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], rows = saved[1].contiguous(kChannelsLast);
    const Bf16ConvShape shape =
        shape_of(x, rows, {context->saved_data["stride"].toInt(), context->saved_data["padding"].toInt()});
    const Tensor dy = gradients[0].to(at::kBFloat16).contiguous(kChannelsLast);
    Tensor dx;
    if (context->needs_input_grad(0)) {
      dx = at::empty_like(x);
      bf16_conv_input_gradient(shape, values_of<const Bf16>(dy), values_of<const float>(rows),
                               values_of<Bf16>(dx), on_torch_threads);
    }
    const auto parts = static_cast<int>(context->saved_data["parts"].toInt());
    const std::vector<Tensor> x_parts = parts_of(x, parts), y_parts = parts_of(dy, parts);
    std::vector<Tensor> of_parts;
    for (std::size_t i = 0; i < x_parts.size(); ++i) {
      of_parts.push_back(at::empty_like(rows));
      Bf16ConvShape part = shape;
      part.batch = x_parts[i].size(0);
      bf16_conv_weight_gradient(part, values_of<const Bf16>(x_parts[i]), values_of<const Bf16>(y_parts[i]),
                                values_of<float>(of_parts.back()), at::get_num_threads(), on_torch_threads);
    }
    return {dx, sum_in_pairs(of_parts), {}, {}, {}};
  }
};

// The same in both directions, and padded with zeros by a number of pixels.
bool is_even(const torch::nn::detail::ConvNdOptions<2>& options) {
  const at::IntArrayRef stride = *options.stride(), dilation = *options.dilation();
  const auto* padding = if_holds<torch::ExpandingArray<2>>(options.padding());
  return stride[0] == stride[1] && dilation[0] == 1 && dilation[1] == 1 && padding != nullptr &&
         (**padding)[0] == (**padding)[1] &&
         if_holds<torch::enumtype::kZeros>(options.padding_mode()) != nullptr;
}

// Of an even one.
Geometry geometry_of(const torch::nn::detail::ConvNdOptions<2>& options) {
  return {(*options.stride())[0], (**if_holds<torch::ExpandingArray<2>>(options.padding()))[0]};
}

}  // namespace

bool can_convolve_densely(const torch::nn::Conv2d& conv, const Tensor& x) {
  if (are_plain_operations_wanted() || !is_autocast_on(at::kCPU) || !has_kernel_layout(x)) return false;
  const Tensor& weight = conv->weight;
  return x.scalar_type() == at::kBFloat16 && weight.is_cpu() && weight.scalar_type() == at::kFloat &&
         !conv->bias.defined() && conv->options.groups() == 1 && weight.size(1) == x.size(1) &&
         weight.size(2) == 3 && weight.size(3) == 3 && is_even(conv->options) &&
         can_convolve_bf16(shape_of(x, weight, geometry_of(conv->options)));
}

Tensor convolve_densely(torch::nn::Conv2d& conv, const Tensor& x) {
  AFACE_CHECK(can_convolve_densely(conv, x), "no loops of our own for this convolution");
  const Geometry geometry = geometry_of(conv->options);
  if (at::GradMode::is_enabled() && (x.requires_grad() || conv->weight.requires_grad())) {
    return DenseConvolution::apply(x, conv->weight, geometry.stride, geometry.padding, batch_scope().parts);
  }
  return forward_of(x, conv->weight, geometry);
}

}  // namespace aface
