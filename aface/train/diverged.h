#pragma once

#include <cstdint>
#include <string>

#include "aface/core/error.h"

namespace aface {

// The first tensor of a step, in the order in which a step makes them, whose numbers are of no use.
struct BadTensor {
  std::string name;       // "the parameter conv1.weight", "the prototype of identity anna"
  std::string trouble;    // "is not finite"
  bool is_photo = false;  // it came with the photos: no learning rate mends that
};

// A step that was given up, before anything was updated by it.
class Diverged : public Error {
 public:
  Diverged(std::int64_t step, double learning_rate, BadTensor tensor);

  std::int64_t step() const { return step_; }
  double learning_rate() const { return learning_rate_; }
  const BadTensor& tensor() const { return tensor_; }

 private:
  std::int64_t step_;
  double learning_rate_;
  BadTensor tensor_;
};

}  // namespace aface
