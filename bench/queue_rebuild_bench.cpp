// A rebuild of all dominant queues in the background: pause of training for the snapshot, seconds of the search, recall
// against exact neighbours of some rows, pause for the adoption.
//   queue_rebuild_bench [identities [values [threads]]]     (200000 512 2)
// Prototypes lie in families of 20, as trained ones do of look-alikes.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <thread>
#include <unordered_set>

#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "aface/kernel/top_k.h"
#include "aface/mining/dominant_queue_selector.h"
#include "aface/nearest/exact_index.h"

namespace aface {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr std::int64_t kFamily = 20;

// Rows are drawn when they are read, so that a million of them need no memory.
UnitRows family_rows(std::int64_t count, std::int64_t dim) {
  const auto draw = [dim](std::int64_t id, float* out) {
    Random centre(1, 2, static_cast<std::uint64_t>(id / kFamily)), own(1, 3, static_cast<std::uint64_t>(id));
    // Normal values without logarithms: sums of four uniform ones, drawn sixteen bits at a time.
    const auto near_normal = [](Random& random) {
      const std::uint64_t bits = random.next();
      std::int32_t sum = 0;
      for (int part = 0; part < 4; ++part) sum += static_cast<std::int32_t>(bits >> (16 * part) & 0xffff) - 32768;
      return static_cast<float>(sum) / 37837.0F;
    };
    double squares = 0;
    for (std::int64_t d = 0; d < dim; ++d) {
      out[d] = near_normal(centre) + 1.5F * near_normal(own);
      squares += double(out[d]) * double(out[d]);
    }
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (std::int64_t d = 0; d < dim; ++d) out[d] *= scale;
  };
  UnitRows source;
  source.count = count;
  source.dim = dim;
  source.read_block = [draw, dim](std::int64_t first, std::int64_t rows, float* out) {
    for (std::int64_t i = 0; i < rows; ++i) draw(first + i, out + i * dim);
  };
  source.read_rows = [draw, dim](Span<const std::int64_t> ids, float* out) {
    for (std::size_t i = 0; i < ids.size(); ++i) draw(ids[i], out + static_cast<std::int64_t>(i) * dim);
  };
  return source;
}

// Share of the true nearest of some rows that their queues hold; the rows are drawn anew, block by block.
double recall_of(const DominantQueueSelector& selector, const UnitRows& source, std::size_t neighbours) {
  constexpr std::int64_t kChecked = 100, kBlock = 8192;
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < kChecked; ++i) ids.push_back(i * source.count / kChecked);
  std::vector<float> queries(static_cast<std::size_t>(kChecked * source.dim));
  source.read_rows(ids, queries.data());
  const auto dim = static_cast<std::size_t>(source.dim);
  std::vector<std::vector<ScoredId>> best(kChecked);
  std::vector<float> block(static_cast<std::size_t>(kBlock) * dim);
  for (std::int64_t first = 0; first < source.count; first += kBlock) {
    const std::int64_t rows = std::min(kBlock, source.count - first);
    parallel_for(rows, 512, 0, [&](std::int64_t begin, std::int64_t end) {
      source.read_block(first + begin, end - begin, block.data() + begin * source.dim);
    });
    const NeighbourLists found =
        nearest_rows({block.data(), static_cast<std::size_t>(rows), dim}, {queries.data(), kChecked, dim}, neighbours + 1, 0);
    for (std::size_t q = 0; q < kChecked; ++q) {
      for (std::size_t i = 0; i < found.count; ++i) {
        const auto id = static_cast<std::int32_t>(first) + found.ids_of(q)[i];
        if (id != ids[q]) best[q].push_back({found.similarities_of(q)[i], id});
      }
      std::sort(best[q].begin(), best[q].end(), ranks_before);
      best[q].resize(std::min(best[q].size(), neighbours));
    }
  }
  std::size_t hits = 0, wanted = 0;
  for (std::size_t q = 0; q < kChecked; ++q) {
    std::unordered_set<std::int64_t> held;
    for (const auto& entry : selector.queue(ids[q])) held.insert(entry.id);
    for (const ScoredId& truth : best[q]) hits += held.count(truth.id);
    wanted += best[q].size();
  }
  return static_cast<double>(hits) / static_cast<double>(wanted);
}

void run(std::int64_t identities, std::int64_t dim, int threads) {
  MinerOptions options;
  options.kind = "dominant_queue";
  options.rebuild = "background";
  options.queue_length = kFamily - 1;  // beyond the family all are about equally far, and no search can tell
  options.rebuild_threads = threads;
  options.rebuild_niceness = 0;
  const UnitRows source = family_rows(identities, dim);
  // The snapshot is to be timed, not the drawing of rows: from a table in memory where that fits.
  std::vector<float> table;
  UnitRows read = source;
  if (identities * dim * 4 < std::int64_t{3} << 30) {
    table = all_rows(source, 0);
    read = unit_rows_of({table.data(), static_cast<std::size_t>(identities), static_cast<std::size_t>(dim)});
  }
  DominantQueueSelector selector(options, identities, 1, 0);
  selector.rebuild(0, read);
  const double pause = selector.report().at("rebuild_pause_seconds");
  table = {};
  const std::vector<std::int64_t> nobody;
  SelectionRequest request;
  request.identities = nobody;
  const auto start = Clock::now();
  while (selector.is_rebuilding()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    selector.select(request);
  }
  const double waited = since(start);
  const auto numbers = selector.report();
  fmt::print("{} x {}, {} threads: snapshot {:.2f} s, search {:.1f} s (waited {:.1f}), longest pause {:.2f} s, mean queue "
             "{:.1f}, recall@{} {:.3f}\n",
             identities, dim, threads, pause, numbers.at("rebuild_seconds"), waited, numbers.at("rebuild_pause_seconds"),
             numbers.at("queue_mean_length"), options.queue_length,
             recall_of(selector, source, static_cast<std::size_t>(options.queue_length)));
}

}  // namespace
}  // namespace aface

int main(int argc, char** argv) {
  const auto number = [&](int at, std::int64_t otherwise) { return argc > at ? std::atoll(argv[at]) : otherwise; };
  aface::run(number(1, 200000), number(2, 512), static_cast<int>(number(3, 2)));
}
