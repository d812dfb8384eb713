#include "aface/train/trainer.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/log.h"
#include "aface/core/parallel.h"
#include "aface/core/parts.h"
#include "aface/core/stopwatch.h"
#include "aface/core/stop_request.h"
#include "aface/head/tensor_prototypes.h"
#include "aface/infer/batch_to_tensor.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/rivals.h"
#include "aface/kernel/unusable_row.h"
#include "aface/mining/softmax_mass.h"
#include "aface/nn/device.h"
#include "aface/nn/torch_compat.h"
#include "aface/train/bad_tensor.h"
#include "aface/train/learning_rate.h"
#include "aface/train/prototype_rows.h"

namespace aface {
namespace {

constexpr char kNotFinite[] = "is not finite";

at::Tensor ids_tensor(const std::vector<std::int64_t>& ids, c10::Device device) {
  return at::tensor(ids, at::kLong).to(device);
}

// Row of each identity in the ascending list `active`, which holds all those of the shard; -1 for others.
std::vector<std::int64_t> rows_of(const std::vector<std::int64_t>& identities,
                                  const std::vector<std::int64_t>& active, const Shard& shard) {
  std::vector<std::int64_t> rows;
  rows.reserve(identities.size());
  for (const std::int64_t identity : identities) {
    if (!shard.has(identity)) {
      rows.push_back(-1);
      continue;
    }
    const auto place = std::lower_bound(active.begin(), active.end(), identity);
    AFACE_CHECK(place != active.end() && *place == identity, "identity {} is not active", identity);
    rows.push_back(place - active.begin());
  }
  return rows;
}

RowMatrix view_rows(const at::Tensor& matrix) {
  return {matrix.data_ptr<float>(), static_cast<std::size_t>(matrix.size(0)),
          static_cast<std::size_t>(matrix.size(1))};
}

at::Tensor on_cpu(const at::Tensor& tensor) { return tensor.to(at::kCPU, at::kFloat).contiguous(); }

// CUDA: the ranks of a host take one card each.
c10::Device device_of(const RunConfig& config, const Communicator* ranks) {
  const c10::Device device = usable_device(config.train.device, "train.device");
  if (!device.is_cuda() || device.has_index() || ranks == nullptr) return device;
  return {at::kCUDA, static_cast<c10::DeviceIndex>(ranks->local_rank())};
}

// The same ids, counted from `first`.
std::vector<std::int64_t> numbered_from(std::int64_t first, std::vector<std::int64_t> ids) {
  for (std::int64_t& id : ids) id -= first;
  return ids;
}

at::Tensor unit_length(const at::Tensor& rows) {
  return rows / rows.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12);
}

// Images of each identity of the shard / images of an identity on average. One without images counts as having one.
std::vector<double> relative_images(const std::vector<std::int64_t>& images, const Shard& shard) {
  const double mean = static_cast<double>(std::accumulate(images.begin(), images.end(), std::int64_t{0})) /
                      static_cast<double>(images.size());
  std::vector<double> relative;
  for (std::int64_t c = shard.first; c < shard.end; ++c) {
    relative.push_back(static_cast<double>(std::max<std::int64_t>(1, images[static_cast<std::size_t>(c)])) / mean);
  }
  return relative;
}

// The flat table where the fused head gives gradients by blocks, the tensor table elsewhere.
std::unique_ptr<Prototypes> make_prototypes(const RunConfig& config, const Shard& shard, c10::Device device,
                                            const std::string& scratch_folder) {
  const std::int64_t num_identities = shard.count();
  PrototypeOptions options;
  options.momentum = config.optimizer.momentum;
  options.weight_decay = config.optimizer.weight_decay;
  options.threads = static_cast<int>(config.train.threads);
  options.first_identity = shard.first;
  const auto seed = static_cast<std::uint64_t>(config.train.seed);
  const std::int64_t dim = config.backbone.embedding_dim;
  if (!device.is_cpu() || config.head.engine != "auto") {
    return std::make_unique<TensorPrototypes>(num_identities, dim, seed, options, device);
  }
  if (config.optimizer.prototype_storage == "file") options.folder = scratch_folder;
  return make_flat_prototypes(num_identities, dim, seed, options);
}

// Sums in the order that all numbers of ranks share, where that is asked for and possible.
int parts_for(const RunConfig& config, c10::Device device, const Communicator* ranks) {
  return config.train.sync_batch_norm && device.is_cpu() ? parts_of_rank(ranks == nullptr ? 1 : ranks->size()) : 0;
}

std::vector<float> to_vector(const at::Tensor& values) {
  if (!values.defined()) return {};
  const at::Tensor cpu = on_cpu(values);
  return {cpu.data_ptr<float>(), cpu.data_ptr<float>() + cpu.numel()};
}

}  // namespace

Trainer::Trainer(const RunConfig& config, const FaceDataset& dataset, const std::string& scratch_folder,
                 Communicator* ranks)
    : config_(config),
      dataset_(dataset),
      ranks_(ranks),
      shard_(ranks == nullptr ? Shard{0, dataset.num_identities()}
                              : shard_of(dataset.num_identities(), ranks->rank(), ranks->size())),
      device_(device_of(config, ranks)),
      parts_(parts_for(config, device_, ranks)),
      margin_health_(dataset.images_per_identity(), config.head) {
  const auto seed = static_cast<std::uint64_t>(config.train.seed);
  if (const std::string problem = budget_problem(config.mining, config.train.batch_size, dataset.num_identities());
      !problem.empty()) {
    throw Error(ErrorKind::kUsage, problem);
  }
  if (ranks_ != nullptr) check_ranks();
  at::manual_seed(seed);  // of weights, which are drawn on the CPU, and of dropout, on the device

  sampler_ = make_sampler(config.sampler, dataset.identities, dataset.num_identities(), seed, ranks);
  loader_ = std::make_unique<BatchLoader>(dataset, config.data, config.augment,
                                          static_cast<int>(config.backbone.input_size), seed);
  selector_ = make_class_selector(config.mining, dataset.num_identities(), seed,
                                  static_cast<int>(config.train.threads), ranks);
  backbone_ = make_backbone(config.backbone);
  backbone_->to(device_);
  if (config.train.channels_last) to_channels_last(*backbone_);
  backbone_->train();
  optimizer_.emplace(*backbone_, config.optimizer, static_cast<int>(config.train.threads));

  prototypes_ = make_prototypes(config, shard_, device_, scratch_folder);
  head_ = make_head(config.head, shard_.count(), device_, dataset.num_identities(),
                    relative_images(dataset.images_per_identity(), shard_));
  if (ranks_ == nullptr) return;
  shared_gradients_ = std::make_unique<SharedGradients>(
      backbone_->parameters(), *ranks_,
      parts_ > 0 ? Communicator::Adding::kInPairs : Communicator::Adding::kAsItComes);
  synchronise_network();
}

Trainer::~Trainer() = default;

void Trainer::keep_plans_ahead() {
  while (static_cast<std::int64_t>(plans_ahead_.size()) < config_.data.prefetch) {
    BatchPlan plan;
    plan.step = step_ + static_cast<std::int64_t>(plans_ahead_.size());
    plan.sample_ids = sampler_->draw(config_.train.batch_size);
    loader_->submit(piece_of(plan, ranks_));
    plans_ahead_.push_back(std::move(plan));
  }
}

StepInput Trainer::next_input() {
  Stopwatch watch;
  keep_plans_ahead();
  StepInput input;
  input.batch = loader_->next();
  plans_ahead_.pop_front();
  if (input.batch.count() < 2) {
    throw Error(ErrorKind::kData, fmt::format("step {}: fewer than two readable images in the batch; run "
                                              "'adaptiveface inspect' on the data",
                                              step_));
  }
  input.chips = batch_to_tensor(input.batch, device_,
                                config_.train.channels_last ? ChipLayout::kChannelsLast : ChipLayout::kChannelsFirst);
  input.seconds += watch.lap();
  return input;
}

StepResult Trainer::step(StepInput step_input) {
  StepResult result;
  Stopwatch watch;
  current_ = std::move(step_input);
  result.seconds.data = current_.seconds;
  generator_at_step_ = at::globalContext().defaultGenerator(device_).get_state();
  const Batch& batch = current_.batch;
  const double rate_share = learning_rate_share(config_.optimizer, step_, config_.train.steps) *
                            std::pow(config_.train.rollback_rate, static_cast<double>(rollbacks_));
  rate_ = config_.optimizer.learning_rate * rate_share;

  const at::Tensor embeddings = embed().to(at::kFloat);
  result.seconds.forward += watch.lap();

  const WholeBatch whole = gather_batch(batch, embeddings, dataset_.identities, config_.train.batch_size,
                                        aface::stop_requested(), ranks_);
  if (current_.active.empty()) current_.active = select(whole);
  const std::vector<std::int64_t>& active = current_.active;
  const std::vector<std::int64_t> own_active = numbered_from(shard_.first, active);

  HeadInput input;
  input.embeddings = whole.embeddings;
  input.prototypes = prototypes_->activate(own_active);
  input.active_ids = ids_tensor(own_active, device_);
  input.targets = ids_tensor(rows_of(whole.identities, active, shard_), device_);
  input.ranks = ranks_;
  input.part_begins = part_begins(active);
  input.step = step_;
  input.want_rivals = selector_->needs_feedback();
  const HeadOutput output = classify(input, whole);

  result.images = static_cast<std::int64_t>(whole.sample_ids.size());
  result.stop_requested = whole.stop;
  result.loss = output.loss.item<double>();
  if (!std::isfinite(result.loss)) give_up({"the loss", kNotFinite, false, BadTensor::Place::kLoss});
  output.loss.backward();
  result.seconds.head += watch.lap();
  go_back(whole, embeddings);
  result.seconds.backward += watch.lap();
  const auto [gradient_norm, gradient_scale] = measure_gradient();
  result.gradient_norm = gradient_norm;
  result.seconds.optimizer += watch.lap();

  tell_selector(whole, active, input, output);
  result.seconds.head += watch.lap();
  optimizer_->step(rate_, gradient_scale);
  result.seconds.optimizer += watch.lap();
  if (config_.mining.mass_every > 0 && config_.mining.kind != "all" && step_ % config_.mining.mass_every == 0) {
    result.softmax_mass = measure_softmax_mass(whole, unit_length(whole.embeddings.detach()), own_active);
  }
  prototypes_->step(rate_ * config_.optimizer.prototype_rate_factor, output.prototype_gradient);
  if (selector_->follows_rows()) selector_->rows_changed(active, unit_rows_of(*prototypes_));
  head_->update(step_, rate_share);
  tell_sampler(whole, output);
  result.seconds.head += watch.lap();

  result.accuracy = output.correct.to(at::kFloat).mean().item<double>();
  result.own_cosine = output.own_cosine.mean().item<double>();
  result.learning_rate = rate_;
  if (config_.head.precision == "fast") result.filter = output.filter;
  result.active_classes = static_cast<std::int64_t>(active.size());
  if (ranks_ != nullptr) result.active_classes = std::llround(sum_over_ranks(static_cast<double>(active.size())));
  loader_->recycle(std::move(current_.batch));
  current_ = {};
  ++step_;
  return result;
}

at::Tensor Trainer::embed() {
  const AutocastGuard autocast(device_, config_.train.bf16);
  BatchScope scope = this->scope();
  if (current_.pieces.empty()) {
    const BatchScopeGuard in_scope(scope);
    return backbone_->forward(current_.chips);
  }
  std::vector<at::Tensor> embeddings;
  for (const std::int64_t rows : current_.pieces) {
    at::Generator generator = at::globalContext().defaultGenerator(device_);
    generator.set_state(generator_at_step_);
    const BatchScopeGuard in_scope(scope);
    embeddings.push_back(backbone_->forward(current_.chips.narrow(0, scope.first_row, rows)));
    scope.first_row += rows;
  }
  return at::cat(embeddings);
}

std::vector<std::int64_t> Trainer::select(const WholeBatch& batch) {
  rebuild_selector_when_due();
  if (ranks_ != nullptr && config_.mining.kind == "all") {
    std::vector<std::int64_t> ids(static_cast<std::size_t>(shard_.count()));
    std::iota(ids.begin(), ids.end(), shard_.first);
    return ids;
  }
  SelectionRequest request;
  request.step = step_;
  request.identities = batch.identities;
  at::Tensor unit_embeddings;
  if (selector_->needs_embeddings()) {
    unit_embeddings = on_cpu(unit_length(batch.embeddings.detach()));
    request.unit_embeddings = view_rows(unit_embeddings);
  }
  const std::vector<std::int64_t> ids = selector_->select(request);
  if (ranks_ == nullptr) return ids;
  // The same on every rank; each goes on with its own identities.
  return {std::lower_bound(ids.begin(), ids.end(), shard_.first), std::lower_bound(ids.begin(), ids.end(), shard_.end)};
}

void Trainer::go_back(const WholeBatch& whole, const at::Tensor& embeddings) {
  if (ranks_ == nullptr) {
    optimizer_->forget_gradients();
    spread_gradient(whole, embeddings, ranks_);
    return;
  }
  shared_gradients_->start();
  spread_gradient(whole, embeddings, ranks_);
  shared_gradients_->finish();
}

HeadOutput Trainer::classify(const HeadInput& input, const WholeBatch& batch) {
  try {
    return head_->forward(input);
  } catch (const UnusableRow& row) {
    if (row.kind_of_row() == UnusableRow::Kind::kOfAnotherRank) give_up({"a row of another rank", row.trouble()});
    const bool is_prototype = row.kind_of_row() == UnusableRow::Kind::kPrototype;
    const std::string owner =
        is_prototype ? fmt::format("identity {}", dataset_.photos->identity_name(shard_.first + static_cast<std::int64_t>(row.index())))
                     : fmt::format("photo {}", dataset_.photos->photo_place(batch.sample_ids[row.index()]));
    give_up({fmt::format("the {} of {}", is_prototype ? "prototype" : "embedding", owner), row.trouble(), false, BadTensor::Place::kRow});
  }
}

void Trainer::give_up(BadTensor symptom) {
  BadTensor own = cause_in_network().value_or(std::move(symptom));
  throw Diverged(step_, rate_, *first_of_ranks(std::move(own)));
}

void Trainer::check_state() const {
  std::optional<BadTensor> bad;
  if (const auto parameter = first_bad_parameter(*backbone_)) {
    bad = BadTensor{"the parameter " + *parameter, kNotFinite, false, BadTensor::Place::kParameter};
  } else if (const auto statistic = first_bad_buffer(*backbone_)) {
    bad = BadTensor{"the statistic " + *statistic, kNotFinite, false, BadTensor::Place::kStatistic};
  }
  if (const auto first = first_of_ranks(std::move(bad))) throw Diverged(step_, rate_, *first);
}

std::optional<BadTensor> Trainer::cause_in_network() {
  if (const auto row = first_bad_row(current_.chips)) {
    const std::int64_t photo = current_.batch.sample_ids[static_cast<std::size_t>(*row)];
    return BadTensor{"the chip of photo " + dataset_.photos->photo_place(photo), kNotFinite, /*is_photo=*/true,
                     BadTensor::Place::kChip};
  }
  if (const auto name = first_bad_parameter(*backbone_)) {
    return BadTensor{"the parameter " + *name, kNotFinite, false, BadTensor::Place::kParameter};
  }
  if (const auto name = first_bad_output(*backbone_, current_.chips, config_.train.bf16)) {
    return BadTensor{"the output of " + *name, kNotFinite, false, BadTensor::Place::kOutput};
  }
  if (const auto name = first_bad_gradient(*backbone_)) {
    return BadTensor{"the gradient of " + *name, kNotFinite, false, BadTensor::Place::kGradient};
  }
  return std::nullopt;
}

void Trainer::rebuild_selector_when_due() {
  if (!selector_->wants_rebuild(step_)) return;
  selector_->rebuild(step_, unit_rows_of(*prototypes_));
}

void Trainer::tell_selector(const WholeBatch& batch, const std::vector<std::int64_t>& active, const HeadInput& input,
                            const HeadOutput& output) {
  if (!selector_->needs_feedback()) return;
  const at::Tensor rows = on_cpu(input.prototypes.detach());
  ScoreFeedback feedback;
  feedback.step = step_;
  feedback.identities = batch.identities;
  feedback.active_ids = active;
  feedback.rivals = &output.rivals;
  feedback.prototypes = view_rows(rows);
  feedback.inverse_lengths = output.inverse_lengths;
  selector_->take_feedback(feedback);
}

void Trainer::tell_sampler(const WholeBatch& batch, const HeadOutput& output) {
  const std::vector<float> own_cosine = to_vector(output.own_cosine);
  const std::vector<float> correct = to_vector(output.correct);
  std::vector<SampleFeedback> feedback(batch.sample_ids.size());
  for (std::size_t i = 0; i < feedback.size(); ++i) {
    feedback[i].sample_id = batch.sample_ids[i];
    feedback[i].own_cosine = own_cosine[i];
    feedback[i].correct = correct[i] != 0;
  }
  sampler_->take_feedback(feedback, step_);
  margin_health_.add(batch.identities, to_vector(output.own_probability));
}

SoftmaxMass Trainer::measure_softmax_mass(const WholeBatch& batch, const at::Tensor& unit_embeddings,
                                          const std::vector<std::int64_t>& active) {
  // A few samples tell the mean well enough, and keep the [samples, num_identities] scores small.
  constexpr std::int64_t kSamples = 32, kBlock = 4096;
  const at::Tensor rows = on_cpu(unit_embeddings.slice(0, 0, kSamples));
  const RowMatrix some = view_rows(rows);
  const auto identities = static_cast<std::size_t>(prototypes_->num_identities());
  std::vector<float> cosines(some.rows * identities);
  parallel_for(prototypes_->num_identities(), kBlock, static_cast<int>(config_.train.threads),
               [&](std::int64_t first, std::int64_t last) {
                 const auto count = static_cast<std::size_t>(last - first);
                 std::vector<float> block(count * some.dim);
                 prototypes_->unit_rows(first, last - first, block.data());
                 inner_products(some, {block.data(), count, some.dim}, cosines.data() + first, identities);
               });
  const RowMatrix scores{cosines.data(), some.rows, identities};
  std::vector<std::int64_t> own;
  for (std::size_t i = 0; i < some.rows; ++i) {
    own.push_back(shard_.has(batch.identities[i]) ? batch.identities[i] - shard_.first : -1);
  }
  SoftmaxMass mass;
  mass.all = softmax_mass_caught(scores, active, config_.head.logit_scale, {}, ranks_);
  mass.wrong = softmax_mass_caught(scores, active, config_.head.logit_scale, own, ranks_);
  return mass;
}

std::pair<double, double> Trainer::measure_gradient() {
  const double norm = optimizer_->gradient_norm();
  if (!std::isfinite(norm)) {
    give_up({"the norm of the gradient", "is beyond float32", false, BadTensor::Place::kGradient});
  }
  constexpr double kTiny = 1e-6;  // as torch.nn.utils.clip_grad_norm_ has it
  const double limit = config_.train.max_gradient_norm;
  return {norm, limit > 0 ? std::min(1.0, limit / (norm + kTiny)) : 1.0};
}

std::map<std::string, double> Trainer::report_interval() {
  std::map<std::string, double> numbers;
  const auto add = [&numbers](const std::string& area, const std::map<std::string, double>& part) {
    for (const auto& [name, value] : part) numbers[area + "/" + name] = value;
  };
  add("sampler", sampler_->report());
  add("mining", selector_->report());
  add("head", head_->report());
  numbers["mining/stalest_age"] = static_cast<double>(prototypes_->stalest_age());
  numbers["mining/never_active_share"] = prototypes_->share_never_active();
  if (ranks_ != nullptr) join_numbers(numbers);
  const MarginHealthReport health = margin_health_.report(to_vector(all_margins()));
  add("margin", health.numbers());
  const bool speaks = ranks_ == nullptr || ranks_->rank() == 0;
  if (const std::string line = health.line(); !line.empty()) log_info("margin", "{}", line);
  if (speaks && !health.warning.empty()) log_warning("margin", "{}", health.warning);
  margin_health_.reset();
  return numbers;
}

}  // namespace aface
