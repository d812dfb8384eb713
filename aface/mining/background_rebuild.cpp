#include "aface/mining/background_rebuild.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "aface/core/check.h"
#include "aface/mining/queue_rules.h"
#include "aface/nearest/inverted_file.h"
#include "aface/nearest/neighbour_descent.h"

namespace aface {
namespace {

// Of the calling thread, and of the threads that it starts (Linux). Being refused is no reason to fail.
void be_nicer(int by) {
  const auto self = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + by);
}

// Prototypes whose neighbours are searched together: enough that the reading of a list serves many of them, few enough
// that a search takes tenths of a second.
constexpr std::size_t kOwnersAtOnce = 2048;

// Rounds of neighbour descent after a search that did not compare all pairs. Weak relatives, which the lists of a large
// index miss, are found by their common neighbours.
constexpr int kDescents = 2;

struct GivenUp {};  // the owner does not want the set any more

}  // namespace

BackgroundRebuild::BackgroundRebuild(PrototypeSnapshot prototypes, std::shared_ptr<const CandidateQueues> present,
                                     QueueRebuildOptions options)
    : prototypes_(std::move(prototypes)),
      present_(std::move(present)),
      options_(std::move(options)),
      fresh_(present_->num_identities()),
      thread_([this] {
        try {
          run();
        } catch (const GivenUp&) {
          // nobody will ask
        } catch (...) {
          failure_ = std::current_exception();
        }
        prototypes_ = {};
        finished_ = true;
      }) {}

BackgroundRebuild::~BackgroundRebuild() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void BackgroundRebuild::give_up_if_told() const {
  if (stop_) throw GivenUp();
}

void BackgroundRebuild::run() {
  const auto start = std::chrono::steady_clock::now();
  if (options_.niceness > 0) be_nicer(options_.niceness);
  AFACE_CHECK(prototypes_.count() == present_->num_identities(), "{} prototypes for {} queues", prototypes_.count(),
              present_->num_identities());
  NeighbourLists lists = found_by_lists();
  if (prototypes_.count() > options_.exact_below) {
    const CodedRows rows = prototypes_.coded_rows();
    for (int round = 0; round < kDescents; ++round) lists = descended(lists, rows, options_.threads, [this] { give_up_if_told(); });
  }
  fill_queues(lists);
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

NeighbourLists BackgroundRebuild::found_by_lists() const {
  RowBlocks blocks;
  blocks.rows = static_cast<std::size_t>(prototypes_.count());
  blocks.dim = static_cast<std::size_t>(prototypes_.dim());
  blocks.read = [this](std::size_t first, std::size_t count, float* out) {
    give_up_if_told();
    prototypes_.read(static_cast<std::int64_t>(first), static_cast<std::int64_t>(count), out);
  };
  IndexOptions search;
  search.seed = options_.seed;
  search.threads = options_.threads;
  search.give_up = [this] { give_up_if_told(); };
  InvertedFile index(search);
  index.build(blocks);
  const std::size_t lists = index.list_count();
  const bool compares_all = prototypes_.count() <= options_.exact_below;
  index.set_search_effort(static_cast<std::int64_t>(
      compares_all ? lists : static_cast<std::size_t>(options_.candidates) * lists / blocks.rows + 1));

  // One more than wanted: a prototype is its own nearest row.
  const std::size_t wanted = std::min(static_cast<std::size_t>(options_.neighbours) + 1, blocks.rows);
  NeighbourLists all = no_neighbours(blocks.rows, wanted);
  std::vector<float> values(std::min(kOwnersAtOnce, blocks.rows) * blocks.dim);
  for (std::size_t first = 0; first < blocks.rows; first += kOwnersAtOnce) {
    const std::size_t count = std::min(kOwnersAtOnce, blocks.rows - first);
    blocks.read(first, count, values.data());
    const NeighbourLists found = index.search({values.data(), count, blocks.dim}, wanted);
    const auto at = static_cast<std::ptrdiff_t>(first * wanted);
    std::copy(found.ids.begin(), found.ids.end(), all.ids.begin() + at);
    std::copy(found.similarities.begin(), found.similarities.end(), all.similarities.begin() + at);
  }
  return all;
}

void BackgroundRebuild::fill_queues(const NeighbourLists& lists) {
  for (std::int64_t owner = 0; owner < prototypes_.count(); ++owner) {
    if (owner % static_cast<std::int64_t>(kOwnersAtOnce) == 0) give_up_if_told();
    const auto row = static_cast<std::size_t>(owner);
    const std::vector<ScoredId> nearest =
        neighbours_of(owner, lists.ids_of(row), lists.similarities_of(row), static_cast<std::size_t>(options_.neighbours));
    const auto similarity = [&](std::int64_t id) { return prototypes_.similarity(owner, id); };
    std::vector<CandidateQueues::Entry> queue = refilled(nearest, present_->of(owner), similarity, options_.threshold);
    sort_and_cut(queue, options_.longest);
    fresh_.assign(owner, queue);
  }
}

CandidateQueues BackgroundRebuild::take() {
  AFACE_CHECK(finished_, "the rebuild is still at work");
  if (failure_) std::rethrow_exception(failure_);
  return std::move(fresh_);
}

}  // namespace aface
