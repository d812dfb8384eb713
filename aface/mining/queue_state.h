#pragma once

#include <cstdint>

#include "aface/core/named_arrays.h"
#include "aface/core/shard.h"
#include "aface/mining/queue_layers.h"

namespace aface {

// Of one rank's identities, as arrays: "miner.queue_lengths" I32 [num_identities], and, queue after queue, "miner.queue_ids" I32,
// "miner.queue_admitted" U8 and "miner.queue_similarities" F32.
void put_queues(NamedArrays& state, const QueueLayers& queues);

// Throws Error{kFormat} when the arrays do not fit together, an id is out of range or a queue too long. `owners`: whose queues they
// are, of all identities.
QueueLayers get_queues(const NamedArrays& state, const Shard& owners, std::int64_t num_identities,
                       std::int64_t max_length);

}  // namespace aface
