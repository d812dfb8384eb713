#include "aface/nn/depthwise.h"

#include <torch/autograd.h>

#include "aface/core/check.h"
#include "aface/kernel/depthwise_conv.h"
#include "aface/nn/batch_scope.h"
#include "aface/nn/kernel_tensors.h"
#include "aface/nn/partwise.h"
#include "aface/nn/plain_operations.h"
#include "aface/nn/torch_compat.h"

namespace aface {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

DepthwiseShape shape_of(const Tensor& x, const Tensor& weight, std::int64_t stride) {
  return {x.size(0), x.size(2), x.size(3), x.size(1), stride, weight.size(1)};
}

Tensor forward_of(const Tensor& x, const Tensor& weight, std::int64_t stride) {
  const DepthwiseShape shape = shape_of(x, weight, stride);
  const Tensor y = at::empty({shape.batch, shape.channels, shape.out_height(), shape.out_width()},
                             x.options().memory_format(at::MemoryFormat::ChannelsLast));
  const Tensor rows = weight.detach().contiguous();
  with_type_of(x, [&](auto type) {
    using Value = decltype(type);
    depthwise_forward(shape, values_of<const Value>(x), values_of<float>(rows), values_of<Value>(y),
                      on_torch_threads);
  });
  return y;
}

class DepthwiseConvolution : public torch::autograd::Function<DepthwiseConvolution> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        std::int64_t stride, int parts) {
    context->save_for_backward({x, weight});
    context->saved_data["parts"] = parts;
    context->saved_data["stride"] = stride;
    return forward_of(x, weight, stride);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    AFACE_CHECK(!at::GradMode::is_enabled(), "our convolution by channel is not twice differentiable");
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const DepthwiseShape shape = shape_of(x, weight, context->saved_data["stride"].toInt());
    const Tensor dy = gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const Tensor rows = weight.contiguous();
    const Tensor dx = at::empty_like(x);
    const auto parts = static_cast<int>(context->saved_data["parts"].toInt());
    const std::vector<Tensor> x_parts = parts_of(x, parts), y_parts = parts_of(dy, parts);
    std::vector<Tensor> of_parts;
    with_type_of(x, [&](auto type) {
      using Value = decltype(type);
      depthwise_input_gradient(shape, values_of<const Value>(dy), values_of<float>(rows),
                               values_of<Value>(dx), on_torch_threads);
      for (std::size_t i = 0; i < x_parts.size(); ++i) {
        of_parts.push_back(at::empty_like(rows));
        DepthwiseShape part = shape;
        part.batch = x_parts[i].size(0);
        depthwise_weight_gradient(part, values_of<const Value>(x_parts[i]), values_of<const Value>(y_parts[i]),
                                  values_of<float>(of_parts.back()), on_torch_threads);
      }
    });
    return {dx, sum_in_pairs(of_parts), {}, {}};
  }
};

bool can_run(const torch::nn::Conv2d& conv, const Tensor& x) {
  if (are_plain_operations_wanted() || !has_kernel_layout(x) || x.numel() == 0) return false;
  // Under autocast LibTorch would round a float32 input.
  if (is_autocast_on(at::kCPU) && x.scalar_type() == at::kFloat) return false;
  const Tensor& weight = conv->weight;
  const auto is_three_by_three = weight.size(2) == 3 && weight.size(3) == 3;
  const auto groups = conv->options.groups(), channels = x.size(1);
  const at::IntArrayRef stride = *conv->options.stride(), dilation = *conv->options.dilation();
  const auto* padding = if_holds<torch::ExpandingArray<2>>(conv->options.padding());
  return is_three_by_three && weight.scalar_type() == at::kFloat && !conv->bias.defined() &&
         weight.size(0) == channels && (groups == channels || 2 * groups == channels) &&
         weight.size(1) * groups == channels && stride[0] == stride[1] && stride[0] <= 2 &&
         dilation[0] == 1 && dilation[1] == 1 && padding != nullptr && (**padding)[0] == 1 &&
         (**padding)[1] == 1;
}

}  // namespace

Tensor convolve_by_channel(torch::nn::Conv2d& conv, const Tensor& x) {
  if (!can_run(conv, x)) return convolve(conv, x);
  const std::int64_t stride = (*conv->options.stride())[0];
  if (at::GradMode::is_enabled() && (x.requires_grad() || conv->weight.requires_grad())) {
    return DepthwiseConvolution::apply(x, conv->weight, stride, batch_scope().parts);
  }
  return forward_of(x, conv->weight, stride);
}

}  // namespace aface
