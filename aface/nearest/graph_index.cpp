#include "aface/nearest/graph_index.h"

#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/top_k.h"
#include "aface/nearest/index_rows.h"
#include "aface/nearest/unit_row_check.h"

namespace aface {

struct GraphIndex::Graph {
  Graph(RowMatrix rows, const IndexOptions& options)
      : size(rows.rows),
        dim(rows.dim),
        space(rows.dim),
        links(&space, std::max<std::size_t>(1, rows.rows), static_cast<std::size_t>(options.graph_links),
              static_cast<std::size_t>(options.graph_build_effort), static_cast<std::size_t>(options.seed)) {
    links.setEf(static_cast<std::size_t>(options.graph_search_effort));
  }

  std::size_t size;
  std::size_t dim;
  hnswlib::InnerProductSpace space;
  hnswlib::HierarchicalNSW<float> links;
};

namespace {

constexpr std::int64_t kGrain = 64;
constexpr char kKind[] = "graph";

// hnswlib's errors come as std::runtime_error.
template <class Work>
void run_hnswlib(Work&& work) {
  try {
    work();
  } catch (const Error&) {
    throw;
  } catch (const std::runtime_error& failure) {
    throw Error(ErrorKind::kInternal, fmt::format("graph index: hnswlib failed: {}", failure.what()));
  }
}

}  // namespace

GraphIndex::GraphIndex(const IndexOptions& options) : options_(options) {}
GraphIndex::~GraphIndex() = default;

std::size_t GraphIndex::size() const { return graph_ ? graph_->size : 0; }
std::size_t GraphIndex::dim() const { return graph_ ? graph_->dim : 0; }

void GraphIndex::set_search_effort(std::int64_t effort) {
  options_.graph_search_effort = effort;
  if (graph_) graph_->links.setEf(static_cast<std::size_t>(effort));
}

void GraphIndex::build(RowMatrix rows) {
  check_unit_rows(rows, {}, "row", options_.threads);
  graph_.reset();
  run_hnswlib([&] {
    auto graph = std::make_unique<Graph>(rows, options_);
    const auto insert = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        if (options_.give_up) options_.give_up();
        graph->links.addPoint(rows.row(static_cast<std::size_t>(i)), static_cast<hnswlib::labeltype>(i));
      }
    };
    parallel_for(static_cast<std::int64_t>(rows.rows), kGrain, options_.parallel_build ? options_.threads : 1, insert);
    graph_ = std::move(graph);
  });
}

void GraphIndex::update(Span<const std::int32_t> ids, RowMatrix rows) {
  check_update(ids, rows, size(), dim(), options_.threads);
  run_hnswlib([&] {
    const auto replace = [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        graph_->links.addPoint(rows.row(i), static_cast<hnswlib::labeltype>(ids[i]));
      }
    };
    parallel_for(static_cast<std::int64_t>(ids.size()), kGrain, options_.parallel_build ? options_.threads : 1, replace);
  });
}

void GraphIndex::save(NamedArrays& state) const {
  const std::size_t row_bytes = dim() * sizeof(float);
  const auto read = [this, row_bytes](std::size_t offset, std::size_t count, unsigned char* out) {
    while (count > 0) {
      const std::size_t row = offset / row_bytes, begin = offset % row_bytes, taken = std::min(count, row_bytes - begin);
      const std::vector<float> values = graph_->links.getDataByLabel<float>(static_cast<hnswlib::labeltype>(row));
      std::memcpy(out, reinterpret_cast<const unsigned char*>(values.data()) + begin, taken);
      out += taken;
      offset += taken;
      count -= taken;
    }
  };
  put_index_rows(state, kKind, size(), dim(), ArrayBytes::stored(size() * row_bytes, read));
}

void GraphIndex::restore(const NamedArrays& state) {
  const IndexRows saved = get_index_rows(state, kKind);
  build(saved.view());
}

NeighbourLists GraphIndex::search(RowMatrix queries, std::size_t neighbours) const {
  NeighbourLists lists = no_neighbours(queries.rows, std::min(neighbours, size()));
  if (lists.ids.empty()) return lists;
  AFACE_CHECK(queries.dim == graph_->dim, "queries of {} values in rows of {}", queries.dim, graph_->dim);
  check_unit_rows(queries, {}, "query", options_.threads);

  const auto answer = [&](std::int64_t begin, std::int64_t end) {
    std::vector<ScoredId> found;
    for (auto q = static_cast<std::size_t>(begin); q < static_cast<std::size_t>(end); ++q) {
      auto heap = graph_->links.searchKnn(queries.row(q), lists.count);
      found.clear();
      for (; !heap.empty(); heap.pop()) {
        found.push_back({1.0F - heap.top().first, static_cast<std::int32_t>(heap.top().second)});
      }
      std::sort(found.begin(), found.end(), ranks_before);
      std::size_t at = q * lists.count;
      for (const ScoredId& neighbour : found) {
        lists.ids[at] = neighbour.id;
        lists.similarities[at++] = neighbour.score;
      }
    }
  };
  run_hnswlib([&] { parallel_for(static_cast<std::int64_t>(queries.rows), kGrain, options_.threads, answer); });
  return lists;
}

}  // namespace aface
