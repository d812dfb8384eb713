#include "aface/engine/engine.h"

#include <algorithm>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/engine/packed_weights.h"
#include "aface/engine/plan.h"

namespace aface {
namespace {

constexpr std::int64_t kMostChips =
    8;  // at a time: weights are read once for all, activations still fit a cache

// `count` as pieces of 8, 4, 2 and 1 chips: few plans have to be made, whatever the counts.
std::vector<std::int64_t> pieces_of(std::int64_t count, int threads) {
  std::int64_t most = kMostChips;
  while (most > 1 && most * threads > count) most /= 2;
  std::vector<std::int64_t> pieces;
  for (; most >= 1; most /= 2) {
    for (; count >= most; count -= most) pieces.push_back(most);
  }
  return pieces;
}

}  // namespace

// A plan that is this caller's alone for a while.
class Engine::Loan {
 public:
  Loan(const Engine& engine, const Kind& kind) : engine_(engine), kind_(kind) {
    {
      const std::lock_guard<std::mutex> lock(engine_.mutex_);
      std::vector<std::unique_ptr<Plan>>& idle = engine_.idle_[kind_];
      if (!idle.empty()) {
        plan_ = std::move(idle.back());
        idle.pop_back();
      }
    }
    if (!plan_) plan_ = std::make_unique<Plan>(engine_.graph_, *engine_.weights_, kind_.chips, kind_.threads);
  }
  ~Loan() {
    const std::lock_guard<std::mutex> lock(engine_.mutex_);
    engine_.idle_[kind_].push_back(std::move(plan_));
  }
  Plan& plan() { return *plan_; }

 private:
  const Engine& engine_;
  const Kind kind_;
  std::unique_ptr<Plan> plan_;
};

Engine::Engine(Graph graph, int threads)
    : graph_(std::move(graph)), threads_(threads), weights_(std::make_unique<PackedWeights>()) {
  AFACE_CHECK(threads >= 1, "an engine of {} threads", threads);
}

Engine::~Engine() = default;

void Engine::run(const float* chips, std::int64_t count, float* rows) const {
  const std::int64_t chip_values = 3 * graph_.input_size * graph_.input_size;
  if (count == 1) {  // the threads share its operations
    Loan loan(*this, {1, threads_});
    loan.plan().run(chips, rows);
    return;
  }
  const std::vector<std::int64_t> pieces = pieces_of(count, threads_);
  std::vector<std::int64_t> first(pieces.size());
  for (std::size_t i = 1; i < pieces.size(); ++i) first[i] = first[i - 1] + pieces[i - 1];
  const auto workers =
      static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(threads_), pieces.size()));
  parallel_for(static_cast<std::int64_t>(pieces.size()), 1, workers,
               [&](std::int64_t begin, std::int64_t end) {
                 for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                   Loan loan(*this, {pieces[i], 1});
                   loan.plan().run(chips + first[i] * chip_values, rows + first[i] * dim());
                 }
               });
}

void Engine::observe(const float* chips, std::int64_t count, float* rows, const Observer& observer) const {
  const std::int64_t chip_values = 3 * graph_.input_size * graph_.input_size;
  std::unique_ptr<Plan> plan;
  std::int64_t piece = 0;
  const NodeObserver with_size = [&](int node, const float* values) {
    const std::int64_t side = graph_.side_of(node);
    observer(node, {values, static_cast<std::size_t>(piece * graph_.channels_of(node) * side * side)});
  };
  for (std::int64_t first = 0; first < count; first += piece) {
    const std::int64_t next = std::min(kMostChips, count - first);
    if (next != piece) plan = std::make_unique<Plan>(graph_, *weights_, next, threads_, &with_size);
    piece = next;
    plan->run(chips + first * chip_values, rows + first * dim());
  }
}

}  // namespace aface
