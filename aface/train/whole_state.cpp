#include "aface/train/whole_state.h"

#include <ATen/ops/from_blob.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/log.h"

namespace aface {
namespace {

// One row for every identity.
constexpr const char* kOfIdentities[] = {"head.margins",           "miner.queue_lengths",
                                         "prototypes.fresh_until", "prototypes.last_active",
                                         "prototypes.velocity",    "prototypes.weight"};
// One row for every sample.
constexpr const char* kOfSamples[] = {"sampler.noise_log", "sampler.weight_codes"};
// As many rows for an identity as its queue has entries.
constexpr const char* kOfQueues[] = {"miner.queue_admitted", "miner.queue_ids", "miner.queue_similarities"};
constexpr char kQueueLengths[] = "miner.queue_lengths";
// Rates of the steps that some row still lacks: a rank may need fewer of them than another.
constexpr char kRates[] = "prototypes.rates";

std::vector<std::string> divided_names(const NamedArrays& share) {
  std::vector<std::string> names;
  for (const char* name : kOfIdentities) {
    if (share.has(name)) names.emplace_back(name);
  }
  for (const char* name : kOfQueues) {
    if (share.has(name)) names.emplace_back(name);
  }
  for (const char* name : kOfSamples) {
    if (share.has(name)) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

template <class T>
std::vector<std::vector<T>> gather_values(Communicator& ranks, const std::vector<T>& mine) {
  std::vector<std::vector<T>> result;
  for (const auto& bytes :
       ranks.gather({reinterpret_cast<const unsigned char*>(mine.data()), mine.size() * sizeof(T)})) {
    result.emplace_back(bytes.size() / sizeof(T));
    std::memcpy(result.back().data(), bytes.data(), bytes.size());
  }
  return result;
}

NamedArray rows_of(const NamedArray& array, std::int64_t first, std::int64_t count) {
  const std::int64_t rows = array.shape.at(0);
  AFACE_CHECK(first >= 0 && count >= 0 && first + count <= rows, "rows {} to {} of {}", first, first + count,
              rows);
  const std::size_t row_bytes = rows == 0 ? 0 : array.bytes.size() / static_cast<std::size_t>(rows);
  NamedArray part;
  part.type = array.type;
  part.shape = array.shape;
  part.shape[0] = count;
  const std::size_t begin = static_cast<std::size_t>(first) * row_bytes;
  part.bytes = ArrayBytes::stored(
      static_cast<std::size_t>(count) * row_bytes,
      [bytes = array.bytes, begin](std::size_t offset, std::size_t size, unsigned char* out) {
        bytes.read(begin + offset, size, out);
      });
  return part;
}

}  // namespace

struct WholeState::Request {
  std::int64_t rank = -1, array = 0, offset = 0,
               count = 0;  // rank -1: no more; `count` says whether it is saved
};

WholeState::WholeState(const NamedArrays& share, Communicator& ranks) : ranks_(ranks) {
  const std::vector<std::string> names = divided_names(share);
  std::vector<std::int64_t> rows;
  for (const std::string& name : names) {
    divided_.push_back(&share.at(name));
    rows.push_back(share.at(name).shape.at(0));
  }
  const std::vector<std::vector<std::int64_t>> rows_of_ranks = gather_values(ranks, rows);
  const auto rates =
      gather_values(ranks, share.has(kRates) ? share.get<double>(kRates) : std::vector<double>());
  if (ranks.rank() != 0) return;

  whole_ = share;
  const auto longest = std::max_element(rates.begin(), rates.end(),
                                        [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (share.has(kRates)) whole_.put(kRates, *longest);
  for (std::size_t i = 0; i < names.size(); ++i) {
    NamedArray& array = whole_.arrays[names[i]];
    const std::size_t own_rows = static_cast<std::size_t>(rows[i]);
    std::size_t row_bytes = own_rows == 0 ? byte_size(array.type) : array.bytes.size() / own_rows;
    std::vector<std::int64_t> ends;  // of each rank's part, in bytes
    std::int64_t total_rows = 0;
    for (const auto& of_rank : rows_of_ranks) {
      AFACE_CHECK(of_rank.size() == names.size(), "ranks save different arrays");
      total_rows += of_rank[i];
      ends.push_back(total_rows * static_cast<std::int64_t>(row_bytes));
    }
    array.shape[0] = total_rows;
    array.bytes = ArrayBytes::stored(
        static_cast<std::size_t>(ends.back()),
        [this, i, ends](std::size_t offset, std::size_t count, unsigned char* out) {
          std::int64_t begin = 0;
          auto at = static_cast<std::int64_t>(offset);
          const std::int64_t end = at + static_cast<std::int64_t>(count);
          for (std::size_t rank = 0; rank < ends.size() && at < end; begin = ends[rank++]) {
            const std::int64_t stop = std::min(end, ends[rank]);
            if (stop <= at) continue;
            fetch(static_cast<int>(rank), static_cast<std::int64_t>(i), at - begin, stop - at, out);
            out += stop - at;
            at = stop;
          }
        });
  }
}

namespace {

// Rank 0's numbers for all.
template <class Request>
void tell(Communicator& ranks, Request& request) {
  ranks.broadcast(
      at::from_blob(&request, {static_cast<std::int64_t>(sizeof request / sizeof(std::int64_t))}, at::kLong),
      "what to save next");
}

}  // namespace

void WholeState::fetch(int rank, std::int64_t array, std::int64_t offset, std::int64_t count,
                       unsigned char* out) {
  if (rank == 0) {
    divided_[static_cast<std::size_t>(array)]->bytes.read(static_cast<std::size_t>(offset),
                                                          static_cast<std::size_t>(count), out);
    return;
  }
  Request request;
  request.rank = rank, request.array = array, request.offset = offset, request.count = count;
  tell(ranks_, request);
  ranks_.move(rank, 0, out, count, "the state to save");
}

bool WholeState::serve() {
  AFACE_CHECK(ranks_.rank() != 0, "rank 0 asks");
  std::vector<unsigned char> piece;
  for (;;) {
    Request request;
    tell(ranks_, request);
    if (request.rank < 0) return request.count > 0;
    const bool mine = request.rank == ranks_.rank();
    if (mine) {
      piece.resize(static_cast<std::size_t>(request.count));
      divided_[static_cast<std::size_t>(request.array)]->bytes.read(static_cast<std::size_t>(request.offset),
                                                                    piece.size(), piece.data());
    }
    ranks_.move(static_cast<int>(request.rank), 0, mine ? piece.data() : nullptr, request.count,
                "the state to save");
  }
}

void WholeState::close(bool is_saved) {
  closed_ = true;
  Request last;
  last.count = is_saved ? 1 : 0;
  tell(ranks_, last);
}

WholeState::~WholeState() {
  if (ranks_.rank() != 0 || closed_) return;
  try {
    close(false);
  } catch (const std::exception& error) {
    log_warning("train", "{}", error.what());  // the next call of anything throws it again
  }
}

NamedArrays share_of(const NamedArrays& whole, const Shard& shard, const Shard& samples) {
  NamedArrays share = whole;
  for (const char* name : kOfSamples) {
    if (!whole.has(name)) continue;
    if (whole.at(name).shape.empty() || whole.at(name).shape[0] < samples.end) {
      throw Error(ErrorKind::kFormat,
                  fmt::format("array '{}': fewer rows than samples; it belongs to another data set", name));
    }
    share.arrays[name] = rows_of(whole.at(name), samples.first, samples.count());
  }
  if (whole.has(kQueueLengths)) {
    const std::vector<std::int32_t> lengths = whole.get<std::int32_t>(kQueueLengths);
    if (static_cast<std::int64_t>(lengths.size()) < shard.end) {
      throw Error(ErrorKind::kFormat,
                  fmt::format("miner state: {} queues, but {} identities; it belongs to another data set",
                              lengths.size(), shard.end));
    }
    const auto sum = [&](std::int64_t from, std::int64_t to) {
      return std::accumulate(lengths.begin() + from, lengths.begin() + to, std::int64_t{0});
    };
    const std::int64_t first = sum(0, shard.first), count = sum(shard.first, shard.end);
    for (const char* name : kOfQueues) {
      if (first + count > whole.at(name).shape.at(0)) {
        throw Error(ErrorKind::kFormat,
                    fmt::format("array '{}': fewer entries than the queues are long", name));
      }
      share.arrays[name] = rows_of(whole.at(name), first, count);
    }
  }
  for (const char* name : kOfIdentities) {
    if (!whole.has(name)) continue;
    if (whole.at(name).shape.empty() || whole.at(name).shape[0] < shard.end) {
      throw Error(
          ErrorKind::kFormat,
          fmt::format("array '{}': fewer rows than identities; it belongs to another data set", name));
    }
    share.arrays[name] = rows_of(whole.at(name), shard.first, shard.count());
  }
  return share;
}

}  // namespace aface
