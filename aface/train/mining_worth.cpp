#include "aface/train/mining_worth.h"

#include <c10/core/InferenceMode.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "aface/config/config_reader.h"
#include "aface/core/error.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"
#include "aface/data/batch_loader.h"
#include "aface/head/prototypes.h"
#include "aface/infer/batch_to_tensor.h"
#include "aface/nn/backbone.h"
#include "aface/nn/model_file.h"
#include "aface/nn/torch_compat.h"
#include "aface/sampling/sampler.h"
#include "aface/train/checkpoint.h"
#include "aface/train/data_identity.h"
#include "aface/train/prototype_rows.h"
#include "aface/train/training_data.h"

namespace aface {
namespace {

constexpr std::int64_t kAhead = 4;  // batches that are decoded while one is embedded

at::Tensor unit_length(const at::Tensor& rows) { return rows / rows.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12); }

Checkpoint newest_checkpoint(const std::string& run_dir) {
  std::optional<Checkpoint> newest = CheckpointFolder(run_dir, KeepRule()).newest();
  if (!newest) throw Error(ErrorKind::kIo, fmt::format("{}: holds no checkpoint; train first", run_dir));
  return std::move(*newest);
}

std::vector<WorthBatch> embedded_batches(const RunConfig& config, const FaceDataset& dataset, Backbone& backbone,
                                         const MiningWorthOptions& options) {
  SamplerOptions evenly;
  evenly.kind = "shuffle";
  const auto sampler = make_sampler(evenly, dataset.identities, dataset.num_identities(), options.seed);
  BatchLoader loader(dataset, config.data, config.augment, static_cast<int>(config.backbone.input_size), options.seed);
  std::int64_t submitted = 0;
  const auto submit = [&] {
    if (submitted < options.batches) loader.submit({submitted, sampler->draw(options.batch_size)});
    ++submitted;
  };
  for (std::int64_t i = 0; i < kAhead; ++i) submit();

  const c10::InferenceMode inference;
  std::vector<WorthBatch> batches;
  for (std::int64_t i = 0; i < options.batches; ++i) {
    throw_if_stopped();
    submit();
    Batch batch = loader.next();
    const at::Tensor rows = unit_length(backbone.forward(batch_to_tensor(batch))).contiguous();
    WorthBatch embedded;
    embedded.identities.assign(batch.identities.begin(), batch.identities.end());
    embedded.unit_embeddings.assign(rows.data_ptr<float>(), rows.data_ptr<float>() + rows.numel());
    batches.push_back(std::move(embedded));
    loader.recycle(std::move(batch));
  }
  return batches;
}

class Candidates {
 public:
  Candidates(const RunConfig& config, const NamedArrays& state, RowMatrix prototypes, const MiningWorthOptions& options)
      : config_(config), state_(state), prototypes_(prototypes), options_(options) {}

  bool has_saved_queues() const { return state_.text("miner.kind") == "dominant_queue"; }

  void add(std::string name, double share, std::int64_t budget, std::int64_t queue_length, bool restored) {
    MinerOptions mining = config_.mining;
    mining.kind = name;
    mining.budget = budget;
    mining.rebuild = "wait";
    if (queue_length > 0) {
      mining.queue_length = mining.max_queue_length = queue_length;
      mining.similarity_start = mining.similarity_end = -1;  // as long as the budget has room
    }
    auto selector = make_class_selector(mining, static_cast<std::int64_t>(prototypes_.rows), options_.seed, options_.threads);
    if (restored) {
      selector->restore(state_);
      name += " (saved)";
    } else if (selector->wants_rebuild(0)) {
      selector->rebuild(0, unit_rows_of(prototypes_));
    }
    rows.push_back({std::move(name), share, budget, {}});
    selectors.push_back(std::move(selector));
  }

  std::vector<MiningWorthRow> rows;
  std::vector<std::unique_ptr<ClassSelector>> selectors;

 private:
  const RunConfig& config_;
  const NamedArrays& state_;
  RowMatrix prototypes_;
  const MiningWorthOptions& options_;
};

}  // namespace

MiningWorth measure_mining_worth(const std::string& run_dir, const MiningWorthOptions& options) {
  const RunConfig config = load_config({run_dir + "/config.toml"}, {});
  set_torch_threads(options.threads > 0 ? options.threads : hardware_threads());
  const Checkpoint checkpoint = newest_checkpoint(run_dir);
  const TrainingData data = open_training_data(config, run_dir, options.threads);
  const FaceDataset& dataset = data.dataset;
  if (const std::string other = data_differences(checkpoint.state, dataset); !other.empty()) {
    throw Error(ErrorKind::kData, fmt::format("{}: the checkpoint was made with other training data ({}); point data at "
                                              "the same photos", checkpoint.path, other));
  }
  const auto budget_of = [&](double share) {
    return static_cast<std::int64_t>(std::lround(share * static_cast<double>(dataset.num_identities())));
  };
  for (const double share : options.shares) {
    MinerOptions mining;
    mining.kind = "random";
    mining.budget = std::max<std::int64_t>(1, budget_of(share));
    const std::string problem = budget_problem(mining, options.batch_size, dataset.num_identities());
    if (!problem.empty()) {
      throw Error(ErrorKind::kUsage, fmt::format("a budget of {:g} % of {} identities: {}", 100 * share,
                                                 dataset.num_identities(), problem));
    }
  }

  const std::shared_ptr<Backbone> backbone = make_backbone(config.backbone);
  restore_module(*backbone, "backbone.", checkpoint.state);
  backbone->eval();
  PrototypeOptions decay;  // rows that no step has used for a while are caught up by it
  decay.momentum = config.optimizer.momentum;
  decay.weight_decay = config.optimizer.weight_decay;
  const std::unique_ptr<Prototypes> table =
      make_flat_prototypes(dataset.num_identities(), config.backbone.embedding_dim, 1, decay);
  table->restore(checkpoint.state);
  const std::vector<float> unit_rows = all_rows(unit_rows_of(*table), options.threads);
  const RowMatrix prototypes{unit_rows.data(), static_cast<std::size_t>(table->num_identities()),
                             static_cast<std::size_t>(table->dim())};

  Candidates candidates(config, checkpoint.state, prototypes, options);
  MiningWorth result;
  for (const double share : options.shares) {
    const std::int64_t budget = budget_of(share);
    const std::int64_t room = std::clamp<std::int64_t>(budget / options.batch_size, 1, 10000);
    candidates.add("random", share, budget, 0, false);
    candidates.add("feature_query", share, budget, 0, false);
    candidates.add("dominant_queue", share, budget, room, false);
    if (!candidates.has_saved_queues()) continue;
    candidates.add("dominant_queue", share, budget, 0, true);
    result.saved_queue_length = candidates.selectors.back()->report().at("queue_mean_length");
  }
  candidates.add("all", 1, dataset.num_identities(), 0, false);

  const std::vector<WorthBatch> batches = embedded_batches(config, dataset, *backbone, options);
  result.step = checkpoint.step;
  result.identities = dataset.num_identities();
  for (const WorthBatch& batch : batches) result.samples += static_cast<std::int64_t>(batch.identities.size());
  result.logit_scale = config.head.logit_scale;
  const auto worth = worth_of(candidates.selectors, batches, prototypes, result.logit_scale, options.threads);
  result.rows = std::move(candidates.rows);
  for (std::size_t i = 0; i < worth.size(); ++i) result.rows[i].worth = worth[i];
  return result;
}

}  // namespace aface
