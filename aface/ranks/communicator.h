#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "aface/core/across_ranks.h"
#include "aface/ranks/launch_environment.h"
#include "aface/ranks/liveness.h"

namespace aface {

struct CommunicatorOptions {
  std::chrono::milliseconds join_within{300000};  // for all ranks to start
  LivenessOptions liveness;
  bool cuda = false;  // tensors may lie on CUDA devices too: NCCL where LibTorch has it
};

// The ranks of a run, over c10d: Gloo for what lies on the CPU, NCCL for CUDA. Every rank must make the same
// calls in the same order, from one thread, with arguments of the same shape; results have the same bits
// everywhere. A call that cannot be finished because a rank is gone throws Error{kIo} that names the rank and
// the operation (see Liveness); after that the object is of no use but to be destroyed. `what` in a call is
// for that message: "the embeddings".
class Communicator final : public AcrossRanks {
 public:
  // Meets the others; returns when all are there. Throws Error{kIo} when some do not come in time, and says
  // which.
  Communicator(const LaunchEnvironment& environment, const CommunicatorOptions& options = {});
  ~Communicator() override;

  int rank() const override;
  int size() const override;
  int local_rank() const;  // among the ranks on this host
  int local_size() const;

  void sum(Span<double> values) override;  // of 2, 4 or 8 ranks pair by pair
  void highest(Span<double> values) override;
  std::vector<std::vector<unsigned char>> gather(Span<const unsigned char> bytes) override;

  // [n, ...] of every rank -> [size n, ...], by rank. Any type, no gradient.
  at::Tensor gather_rows(const at::Tensor& rows, const char* what);
  // [size n, ...] of every rank -> the sum over ranks of this rank's rows, [n, ...], pair by pair (core/parts.h).
  at::Tensor sum_and_scatter_rows(const at::Tensor& rows, const char* what);
  // The first rank's values replace the others'.
  void broadcast(const at::Tensor& tensor, const char* what);
  void barrier(const char* what);

  // A sum over ranks, in place, that goes on while the caller does something else.
  class Pending {
   public:
    virtual ~Pending() = default;
    virtual void wait() = 0;  // throws as all calls do
  };
  // kInPairs: 2, 4 or 8 ranks add pair by pair (core/parts.h), the same bytes in two rounds.
  enum class Adding { kAsItComes, kInPairs };
  std::unique_ptr<Pending> start_sum(const at::Tensor& tensor, const char* what,
                                     Adding adding = Adding::kAsItComes);

  // Bytes from one rank to another; every rank calls, with the same numbers. `data`: on `from` what is sent,
  // on `to` where it goes, elsewhere ignored. Pieces of up to 1 GB.
  void move(int from, int to, unsigned char* data, std::int64_t count, const char* what);

  // Bytes this rank has handed to the network so far, by what the algorithms send (all-reduce: a ring).
  std::int64_t bytes_sent() const;

  bool has_failed() const;  // a call has thrown
  // Tells the others that this rank ends with an error.
  void report_failure(const std::string& message);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace aface
