// Saving and restoring a Trainer: what each part puts into the state, and what only the trainer knows.
#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <fmt/core.h>

#include "aface/core/check.h"
#include "aface/nn/model_file.h"
#include "aface/tensor/tensor_arrays.h"
#include "aface/train/data_identity.h"
#include "aface/train/trainer.h"
#include "aface/train/whole_state.h"

namespace aface {
namespace {

constexpr char kGenerator[] = "torch.generator";  // dropout draws from it
constexpr char kPlans[] = "loader.plans_ahead";
constexpr char kStep[] = "train.step";
constexpr char kRollbacks[] = "train.rollbacks";
constexpr char kChips[] = "bad_step.chips", kSamples[] = "bad_step.sample_ids", kActive[] = "bad_step.active",
               kPieces[] = "bad_step.pieces";
constexpr char kLoaderCounts[] = "loader.counts";

// Every plan as its length followed by its sample ids.
std::vector<std::int64_t> flatten(const std::deque<BatchPlan>& plans) {
  std::vector<std::int64_t> flat;
  for (const BatchPlan& plan : plans) {
    flat.push_back(static_cast<std::int64_t>(plan.sample_ids.size()));
    flat.insert(flat.end(), plan.sample_ids.begin(), plan.sample_ids.end());
  }
  return flat;
}

std::vector<BatchPlan> unflatten(const std::vector<std::int64_t>& flat, std::int64_t first_step) {
  std::vector<BatchPlan> plans;
  for (std::size_t place = 0; place < flat.size();) {
    const std::int64_t count = flat[place++];
    if (count < 0 || static_cast<std::size_t>(count) > flat.size() - place) {
      throw Error(ErrorKind::kFormat, std::string("array '") + kPlans + "' is damaged; use an earlier checkpoint");
    }
    const auto begin = flat.begin() + static_cast<std::ptrdiff_t>(place);
    plans.push_back({first_step + static_cast<std::int64_t>(plans.size()), {begin, begin + count}});
    place += static_cast<std::size_t>(count);
  }
  return plans;
}

}  // namespace

NamedArrays Trainer::save() const {
  if (ranks_ != nullptr) average_running_statistics();
  NamedArrays state;
  save_module(*backbone_, "backbone.", state);
  optimizer_->save(state);
  prototypes_->save(state);
  head_->save(state);
  selector_->save(state);
  sampler_->save(state);
  state.put(kPlans, flatten(plans_ahead_));
  state.arrays[kGenerator] = to_array(at::globalContext().defaultGenerator(device_).get_state());
  state.put_scalar<std::int64_t>(kStep, step_);
  state.put_scalar<std::int64_t>(kRollbacks, rollbacks_);
  const BatchLoader::Counts counts = loader_->counts();
  state.put<std::int64_t>(kLoaderCounts, {counts.images_read, counts.bad_images});
  margin_health_.save(state);
  put_fingerprint(dataset_, state);
  return state;
}

void Trainer::restore(const NamedArrays& whole, OtherData other_data) {
  const NamedArrays state = ranks_ == nullptr ? whole : share_of(whole, shard_, samples_of_rank(dataset_.num_samples(), ranks_->rank(), ranks_->size()));
  AFACE_CHECK(step_ == 0 && plans_ahead_.empty(), "restore() after the first step");
  if (const std::string other = data_differences(state, dataset_); !other.empty() && other_data == OtherData::kRefuse) {
    throw Error(ErrorKind::kData, fmt::format("it was made with other training data ({}); point data at the same photos, "
                                              "start a new run directory, or add --allow-changes", other));
  }
  restore_module(*backbone_, "backbone.", state);
  optimizer_->restore(state);
  prototypes_->restore(state);
  head_->restore(state);
  selector_->restore(state);
  sampler_->restore(state);
  at::Generator generator = at::globalContext().defaultGenerator(device_);
  generator.set_state(to_tensor_like(state, kGenerator, generator.get_state()));
  const auto counts = state.get<std::int64_t>(kLoaderCounts);
  if (counts.size() != 2) {
    throw Error(ErrorKind::kFormat, std::string("array '") + kLoaderCounts + "' is damaged; use an earlier checkpoint");
  }
  loader_->set_counts({counts[0], counts[1]});
  margin_health_.restore(state);
  step_ = state.get_scalar<std::int64_t>(kStep);
  rollbacks_ = state.has(kRollbacks) ? state.get_scalar<std::int64_t>(kRollbacks) : 0;
  for (BatchPlan& plan : unflatten(state.get<std::int64_t>(kPlans), step_)) {
    loader_->submit(piece_of(plan, ranks_));
    plans_ahead_.push_back(std::move(plan));
  }
  if (ranks_ != nullptr) synchronise_network();
}

NamedArrays Trainer::save_bad_step() const {
  AFACE_CHECK(current_.chips.defined(), "no step has failed");
  NamedArrays state = save();
  state.arrays[kGenerator] = to_array(generator_at_step_);
  state.put(kPlans, std::vector<std::int64_t>());  // nothing comes after it, so no photo is needed
  if (ranks_ == nullptr) {
    state.arrays[kChips] = to_array(current_.chips);
    state.put(kSamples, current_.batch.sample_ids);
    state.put(kActive, current_.active);
    return state;
  }
  const StepInput all = input_of_all_ranks();
  state.arrays[kChips] = to_array(all.chips);
  state.put(kSamples, all.batch.sample_ids);
  state.put(kActive, all.active);
  if (!config_.train.sync_batch_norm) state.put(kPieces, all.pieces);
  return state;
}

std::vector<std::int64_t> samples_of_bad_step(const NamedArrays& state) { return state.get<std::int64_t>(kSamples); }

StepInput Trainer::restore_bad_step(const NamedArrays& state) {
  restore(state);
  StepInput input;
  input.batch.step = step_;
  input.batch.size_px = static_cast<int>(config_.backbone.input_size);
  input.batch.sample_ids = samples_of_bad_step(state);
  for (const std::int64_t sample : input.batch.sample_ids) {
    if (sample < 0 || sample >= dataset_.num_samples()) {
      throw Error(ErrorKind::kFormat, fmt::format("array '{}': sample {} of {}; the file is damaged", kSamples, sample,
                                                  dataset_.num_samples()));
    }
    input.batch.identities.push_back(dataset_.identity_of(sample));
  }
  input.active = state.get<std::int64_t>(kActive);
  if (state.has(kPieces)) input.pieces = state.get<std::int64_t>(kPieces);
  std::int64_t rows = 0;
  for (const std::int64_t piece : input.pieces) rows += piece > 0 ? piece : input.batch.count() + 1;
  if (!input.pieces.empty() && rows != input.batch.count()) {
    throw Error(ErrorKind::kFormat, fmt::format("array '{}': not as many rows as samples; the file is damaged", kPieces));
  }
  const std::int64_t size = config_.backbone.input_size;
  input.chips = to_tensor_like(state, kChips, at::empty({input.batch.count(), 3, size, size}));
  if (config_.train.channels_last) input.chips = input.chips.contiguous(at::MemoryFormat::ChannelsLast);
  input.chips = input.chips.to(device_);
  return input;
}

}  // namespace aface
