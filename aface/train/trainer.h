#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aface/config/run_config.h"
#include "aface/core/named_arrays.h"
#include "aface/core/shard.h"
#include "aface/data/batch_loader.h"
#include "aface/data/face_dataset.h"
#include "aface/head/head.h"
#include "aface/head/margin_health.h"
#include "aface/head/prototypes.h"
#include "aface/mining/class_selector.h"
#include "aface/nn/backbone.h"
#include "aface/nn/batch_scope.h"
#include "aface/ranks/communicator.h"
#include "aface/ranks/shared_gradients.h"
#include "aface/sampling/sampler.h"
#include "aface/train/backbone_sgd.h"
#include "aface/train/diverged.h"
#include "aface/train/whole_batch.h"

namespace aface {

// Share of the softmax mass over ALL identities that the active ones hold.
struct SoftmaxMass {
  double all = 0;    // own identity included
  double wrong = 0;  // among the wrong identities only: what the mining is for
};

// Where a step's time went.
struct StepSeconds {
  double data = 0;       // waiting for the loader, and pixels to numbers
  double forward = 0;    // of the backbone
  double head = 0;       // selection, classification, its gradients, step of the prototypes and margins
  double backward = 0;   // of the backbone
  double optimizer = 0;  // of the backbone, its gradient's length included
};

// What one step measured.
struct StepResult {
  std::int64_t images = 0;
  double loss = 0;
  double accuracy = 0;         // plain cosine argmax over the active prototypes
  double own_cosine = 0;       // mean over the batch
  double learning_rate = 0;
  double gradient_norm = 0;    // of the backbone, before clipping
  std::int64_t active_classes = 0;
  std::optional<SoftmaxMass> softmax_mass;  // when measured
  std::optional<FilterReport> filter;       // of a head with precision "fast"
  bool stop_requested = false;              // of this process or, on several ranks, of any
  StepSeconds seconds;
};

// What one step works on.
struct StepInput {
  Batch batch;
  at::Tensor chips;                  // [batch, 3, size, size] in [-1, 1], made of the batch's pixels
  std::vector<std::int64_t> active;  // ascending, all identities of the batch among them; empty: the selector chooses
  std::vector<std::int64_t> pieces;  // rows of each of the ranks that did it, to be done again by one; none: one piece
  double seconds = 0;                // that it took to be had
};

// Whether a state may be of other photos or people than those at hand.
enum class OtherData { kRefuse, kAllow };

// One training run's moving parts and the step that ties them together:
//   sampler -> loader -> backbone -> selector -> prototypes -> head -> backward -> update -> feedback.
// Batches are drawn `data.prefetch` steps ahead, in the trainer's thread, so a run does not depend on the number of
// workers; what is drawn and not yet used is part of the state.
//
// On several ranks every rank has the whole network and sampler, draws the same batches and embeds a piece of each, and has
// the prototypes, momentum, margins and queues of its own identities (a range); it classifies the whole batch against
// those. All of step(), report_interval(), all_margins(), save() and restore() must then be called by all ranks
// alike. What is measured is that of the whole batch, on every rank.
class Trainer {
 public:
  // `dataset` must outlive the trainer. `scratch_folder` holds the prototypes if optimizer.prototype_storage = "file".
  // Throws Error{kUsage} for options that do not fit, or a table of prototypes that does not fit into memory, Error{kIo}
  // when it does not fit on the disk.
  // `ranks`, which must outlive it too, are those that train together; null: this process alone.
  Trainer(const RunConfig& config, const FaceDataset& dataset, const std::string& scratch_folder = ".",
          Communicator* ranks = nullptr);
  ~Trainer();

  std::int64_t steps_done() const { return step_; }
  Backbone& backbone() { return *backbone_; }
  const Head& head() const { return *head_; }  // of this rank's identities
  const Sampler& sampler() const { return *sampler_; }

  // One optimiser step. Throws Diverged when the loss or a gradient is not finite or a row without direction, before
  // anything is updated; the trainer is then good for save_bad_step() only.
  StepResult step() { return step(next_input()); }
  // The same in two parts, for those who have something to say about the chips.
  StepInput next_input();
  StepResult step(StepInput input);

  // Throws Diverged when a weight or a running statistic of the network is not finite: training may go on with such a
  // state for a while, but nothing else can be done with it. Reads the whole network. To be called by all ranks.
  void check_state() const;

  // Learning rates from now on are those of the schedule times train.rollback_rate ^ rollbacks. Saved with the state.
  void lower_rate(std::int64_t rollbacks) { rollbacks_ = rollbacks; }
  std::int64_t rollbacks() const { return rollbacks_; }

  // Numbers of the parts since the last call, by name ("sampler/...", "mining/...", "margin/..."). Starts a new
  // interval of the margin health, and logs how the margins fare, with a warning if there is one.
  std::map<std::string, double> report_interval();

  // Of all identities, [num_identities] float32; empty for heads without learnt margins.
  at::Tensor all_margins() const;
  Shard shard() const { return shard_; }  // the identities of this rank

  double stall_seconds() const { return loader_->stall_seconds(); }
  std::int64_t bad_images() const { return loader_->bad_images(); }

  // Everything that the rest of the run depends on; large arrays in it are views of the trainer's own, valid until the
  // next step() (NamedArrays::own_all() makes them last). On several ranks save() gives this rank's share, see
  // whole_state.h, and restore() takes the whole. restore() must come before the first step(); throws
  // Error{kFormat|kData} when the state belongs to another network, data set or option. kAllow takes a state of other
  // data as far as their numbers of photos and people agree.
  NamedArrays save() const;
  void restore(const NamedArrays& state, OtherData other_data = OtherData::kRefuse);

  // After step() threw Diverged: the state before that step without the batches planned after it, and what it worked on;
  // views as those of save(). On several ranks that of all is told to the first, the others get their share of the state.
  // restore_bad_step() gives what step() is to be called with to see it again, by one process.
  NamedArrays save_bad_step() const;
  StepInput restore_bad_step(const NamedArrays& state);

 private:
  void keep_plans_ahead();
  // The head's forward pass; an error about a row names its identity or photo.
  HeadOutput classify(const HeadInput& input, const WholeBatch& batch);
  // Throws Diverged that names the first bad tensor that led to `symptom`: of all ranks, which must all come here.
  [[noreturn]] void give_up(BadTensor symptom);
  std::optional<BadTensor> cause_in_network();
  // The network's forward pass.
  at::Tensor embed();
  // The active identities, of this rank.
  std::vector<std::int64_t> select(const WholeBatch& batch);
  // The backward pass through the network; the head's has been.
  void go_back(const WholeBatch& whole, const at::Tensor& embeddings);
  void rebuild_selector_when_due();
  void tell_selector(const WholeBatch& batch, const std::vector<std::int64_t>& active, const HeadInput& input,
                     const HeadOutput& output);
  void tell_sampler(const WholeBatch& batch, const HeadOutput& output);
  SoftmaxMass measure_softmax_mass(const WholeBatch& batch, const at::Tensor& unit_embeddings,
                                   const std::vector<std::int64_t>& active);
  // The gradient's length, and the factor that brings it down to train.max_gradient_norm.
  std::pair<double, double> measure_gradient();

  // On several ranks, or to get their bits, trainer_ranks.cpp:
  BatchScope scope() const;
  std::vector<std::size_t> part_begins(const std::vector<std::int64_t>& active) const;
  void check_ranks() const;      // throws Error{kUsage} for options that do not work there
  void synchronise_network();    // rank 0's weights for all
  void average_running_statistics() const;
  double sum_over_ranks(double value) const;
  // The first of all ranks' in the order of a step; nothing when none has one.
  std::optional<BadTensor> first_of_ranks(std::optional<BadTensor> own) const;
  StepInput input_of_all_ranks() const;  // of the current step, on the first; what they have on the others
  void join_numbers(std::map<std::string, double>& numbers) const;

  const RunConfig config_;
  const FaceDataset& dataset_;
  Communicator* const ranks_;  // null: alone
  const Shard shard_;          // this rank's identities, which its prototypes and head number from 0
  const c10::Device device_;
  const int parts_;  // that sums over the batch and the identities of this rank are made in (core/parts.h); 0: as is fastest
  std::int64_t step_ = 0;
  std::int64_t rollbacks_ = 0;
  double rate_ = 0;  // of the last step

  StepInput current_;             // of the step that is done now, for when it fails
  at::Tensor generator_at_step_;  // torch's, when it began

  std::unique_ptr<Sampler> sampler_;
  std::unique_ptr<BatchLoader> loader_;
  std::deque<BatchPlan> plans_ahead_;
  std::shared_ptr<Backbone> backbone_;
  std::unique_ptr<ClassSelector> selector_;
  std::unique_ptr<Prototypes> prototypes_;
  std::unique_ptr<Head> head_;
  std::optional<BackboneSgd> optimizer_;
  std::unique_ptr<SharedGradients> shared_gradients_;  // on several ranks
  MarginHealth margin_health_;
};

// Of what save_bad_step() gave.
std::vector<std::int64_t> samples_of_bad_step(const NamedArrays& state);

}  // namespace aface
