#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/shard.h"
#include "aface/ranks/communicator.h"

namespace aface {

// The state of a run does not depend on the number of its ranks: what each rank has of its identities
// (prototypes and their optimiser, margins, queues) and of its samples (weights, noise log), one after the other, is what one
// rank would have of all, and the rest is rank 0's.

// Makes the whole from the shares that Trainer::save() gives on every rank. All ranks construct one at the
// same time; then rank 0 reads whole(), of which large arrays come from the other ranks when they are asked
// for, and the others serve(). The shares must stay as they are meanwhile.
class WholeState {
 public:
  WholeState(const NamedArrays& share, Communicator& ranks);
  ~WholeState();  // rank 0: close(false), unless closed; throws nothing
  WholeState(const WholeState&) = delete;
  WholeState& operator=(const WholeState&) = delete;

  const NamedArrays& whole() const { return whole_; }  // on rank 0
  void close(bool is_saved);                           // on rank 0: lets the others go on
  bool serve();                                        // on the others: until rank 0 closes; what it said

 private:
  struct Request;
  void fetch(int rank, std::int64_t array, std::int64_t offset, std::int64_t count, unsigned char* out);

  Communicator& ranks_;
  std::vector<const NamedArray*> divided_;  // of this rank, in the order of their names
  NamedArrays whole_;
  bool closed_ = false;
};

// The share of one rank, of the whole: of its identities and samples. Its arrays refer to the whole's.
NamedArrays share_of(const NamedArrays& whole, const Shard& identities, const Shard& samples);

}  // namespace aface
