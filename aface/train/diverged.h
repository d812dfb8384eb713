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
  // Where in the order of a step it is made.
  enum class Place : std::int64_t { kChip, kParameter, kOutput, kRow, kLoss, kGradient, kStatistic, kElsewhere };
  Place place = Place::kElsewhere;
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
