#include "aface/train/diverged.h"

#include <fmt/core.h>

#include <utility>

namespace aface {

Diverged::Diverged(std::int64_t step, double learning_rate, BadTensor tensor)
    : Error(ErrorKind::kNumeric,
            fmt::format("step {}: {} {} (learning rate {:g}); {}", step, tensor.name, tensor.trouble, learning_rate,
                        tensor.is_photo ? "look at the photo"
                                        : "lower optimizer.learning_rate, lengthen optimizer.warmup_steps, or turn "
                                          "train.bf16 off")),
      step_(step),
      learning_rate_(learning_rate),
      tensor_(std::move(tensor)) {}

}  // namespace aface
