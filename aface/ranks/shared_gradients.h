#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aface/ranks/communicator.h"

namespace aface {

// The gradients of a network that every rank has a copy of, summed over ranks while the backward pass is
// still going on: parameters are dealt into buckets in the order in which their gradients come, last layers
// first, and a bucket's sum starts when its last gradient is there and all buckets before it are on their way
// (the same order on every rank). One pass of one graph at a time.
class SharedGradients {
 public:
  static constexpr std::int64_t kBucketBytes = std::int64_t{8} << 20;

  // `parameters` in the order of the network; those that take no gradient are left out. `ranks` must outlive
  // it.
  SharedGradients(const std::vector<at::Tensor>& parameters, Communicator& ranks,
                  Communicator::Adding adding = Communicator::Adding::kAsItComes,
                  std::int64_t bucket_bytes = kBucketBytes);
  ~SharedGradients();

  // Before the backward pass: forgets the gradients, as zero_grad() does.
  void start();
  // After it: waits, and gives every parameter the sum as its grad(). A parameter that the pass did not reach
  // counts as 0.
  void finish();

 private:
  struct Bucket;
  void take(std::size_t parameter, const at::Tensor& gradient);
  void send_complete_buckets();

  Communicator& ranks_;
  const Communicator::Adding adding_;
  std::vector<at::Tensor> parameters_;
  std::vector<Bucket> buckets_;
  std::vector<std::size_t> bucket_of_;  // [parameters]
  std::vector<at::Tensor> views_;       // [parameters] in the buckets
  std::vector<unsigned> hooks_;
  std::vector<char> arrived_;  // [parameters]
  std::size_t sent_ = 0;       // buckets on their way
};

}  // namespace aface
