#include "aface/train/plan.h"

#include <ATen/core/grad_mode.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "aface/config/validate.h"
#include "aface/core/available_memory.h"
#include "aface/core/parallel.h"
#include "aface/image/image_file.h"
#include "aface/infer/batch_to_tensor.h"
#include "aface/io/pair_list.h"
#include "aface/nn/torch_compat.h"
#include "aface/synth/drawn_photos.h"
#include "aface/train/trainer.h"

namespace aface {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr std::int64_t kUntimedSteps = 4;  // that allocate and tune; the first also makes queues and kernels
constexpr std::int64_t kFewestSteps = 8, kMostSteps = 100;
constexpr double kTimedSeconds = 6;

// Stands for faces that a run draws into files first: a few of them, drawn once, are decoded again and again,
// so that a photo costs what a photo from a file costs.
class FewPhotos : public PhotoSource {
 public:
  FewPhotos(std::shared_ptr<const PhotoSource> all, std::int64_t num_samples) : all_(std::move(all)) {
    constexpr std::int64_t kPhotos = 128;
    constexpr int kQuality = 90;
    PhotoBuffers buffers;
    for (std::int64_t i = 0; i < std::min(kPhotos, num_samples); ++i) {
      encoded_.push_back(
          encode_jpeg(all_->read(i * num_samples / kPhotos % num_samples, buffers).value(), kQuality));
    }
  }
  std::int64_t num_identities() const override { return all_->num_identities(); }
  std::string identity_name(std::int64_t identity) const override { return all_->identity_name(identity); }
  std::string photo_name(std::int64_t sample_id) const override { return all_->photo_name(sample_id); }
  std::uint64_t digest() const override { return all_->digest(); }
  Result<Image> read(std::int64_t sample_id, PhotoBuffers& buffers) const override {
    return decode_image(encoded_[static_cast<std::size_t>(sample_id) % encoded_.size()],
                        photo_name(sample_id), std::move(buffers.image));
  }

 private:
  std::shared_ptr<const PhotoSource> all_;
  std::vector<std::vector<unsigned char>> encoded_;
};

FaceDataset planned_dataset(const RunConfig& config) {
  if (!is_built_in(config.data)) return load_dataset(config.data);
  FaceDataset dataset = drawn_faces(config.synth);
  if (config.data.source == "synthetic") {
    dataset.photos = std::make_shared<FewPhotos>(dataset.photos, dataset.num_samples());
  }
  return dataset;
}

void count_data(const RunConfig& config, const FaceDataset& dataset, RunPlan& plan) {
  std::vector<std::int64_t> sizes = dataset.images_per_identity();
  std::sort(sizes.begin(), sizes.end());
  plan.identities = dataset.num_identities();
  plan.images = dataset.num_samples();
  plan.smallest = sizes.front();
  plan.median = sizes[sizes.size() / 2];
  plan.largest = sizes.back();
  plan.with_one_image = std::count(sizes.begin(), sizes.end(), 1);
  plan.steps = config.train.steps;
  plan.batch_size = config.train.batch_size;
  plan.batches_per_epoch = static_cast<double>(plan.images) / static_cast<double>(plan.batch_size);
  plan.epochs = static_cast<double>(plan.steps) / plan.batches_per_epoch;
}

double bytes_of_sampler(const RunConfig& config, std::int64_t images) {
  const bool adaptive = config.sampler.kind == "adaptive",
             logs = adaptive && config.sampler.noise_threshold > -1;
  return static_cast<double>(images) * (adaptive ? (logs ? 4.2 : 2.2) : 4);
}

void add_up_memory(const RunConfig& config, RunPlan& plan) {
  const double values = static_cast<double>(plan.parameters) * sizeof(float);
  plan.network_bytes = 2 * values;
  plan.optimizer_bytes = config.optimizer.momentum > 0 ? values : 0;
  const auto rows = static_cast<double>(plan.identities);
  const bool in_file = config.optimizer.prototype_storage == "file";
  plan.head_bytes = rows * sizeof(std::int64_t);
  if (!in_file)
    plan.head_bytes += rows * 2 * static_cast<double>(config.backbone.embedding_dim) * sizeof(float);
  if (config.head.kind == "kappaface")  // the mean directions
    plan.head_bytes += rows * static_cast<double>(config.backbone.embedding_dim) * sizeof(float);
  const double pixels = 3.0 * static_cast<double>(config.backbone.input_size * config.backbone.input_size);
  plan.loader_bytes = static_cast<double>((config.data.prefetch + 1) * plan.batch_size) * pixels +
                      static_cast<double>(plan.images) * sizeof(std::int64_t);
  plan.sampler_bytes = bytes_of_sampler(config, plan.images);
}

void warn(const RunConfig& config, RunPlan& plan) {
  const auto add = [&plan](std::string text) { plan.warnings.push_back(std::move(text)); };
  if (plan.with_one_image > 0) {
    add(fmt::format(
        "{} of {} identities have one image: nothing to learn what varies in them; leave them out with "
        "data.min_images = 2",
        plan.with_one_image, plan.identities));
  }
  if (plan.batch_size > plan.images) {
    add(
        fmt::format("a batch of {} is larger than the data, {} images: photos repeat within a batch; lower "
                    "train.batch_size",
                    plan.batch_size, plan.images));
  }
  if (plan.epochs < 1) {
    add(fmt::format("{} steps of {} see {:.0f} % of the {} images; raise train.steps", plan.steps,
                    plan.batch_size, 100 * plan.epochs, plan.images));
  }
  if (plan.head_bytes > plan.available_bytes) {
    add(fmt::format(
        "the head will not fit: {} identities x {} values with momentum need {}, {} are free; lower "
        "backbone.embedding_dim, or keep them in a file with optimizer.prototype_storage = \"file\"",
        plan.identities, config.backbone.embedding_dim, bytes_text(plan.head_bytes),
        bytes_text(plan.available_bytes)));
  } else if (plan.sum_bytes() > plan.available_bytes) {
    add(fmt::format("network, optimiser, head, loader and sampler need {}, {} are free",
                    bytes_text(plan.sum_bytes()), bytes_text(plan.available_bytes)));
  }
}

// Photos that one validation embeds.
std::int64_t validation_images(const RunConfig& config) {
  if (!config.validation.pairs.empty()) {
    return static_cast<std::int64_t>(read_lfw_pairs(config.validation.pairs).paths.size());
  }
  return is_built_in(config.data) ? config.synth.heldout_identities * config.synth.heldout_images : 0;
}

double seconds_to_embed(Trainer& trainer, const RunConfig& config, std::int64_t images) {
  const at::NoGradGuard no_grad;
  Batch batch;
  batch.size_px = static_cast<int>(config.backbone.input_size);
  batch.sample_ids.resize(static_cast<std::size_t>(std::min<std::int64_t>(64, config.train.batch_size)));
  batch.pixels.resize(batch.sample_ids.size() * static_cast<std::size_t>(batch.size_px * batch.size_px * 3),
                      100);
  trainer.backbone().eval();
  const at::Tensor chips = batch_to_tensor(batch, at::Device(config.train.device));
  trainer.backbone().forward(chips);
  constexpr int kRepeats = 3;
  const auto start = Clock::now();
  for (int i = 0; i < kRepeats; ++i) trainer.backbone().forward(chips);
  constexpr double kViews = 2;  // the photo and its mirror image
  return since(start) / kRepeats / static_cast<double>(batch.count()) * kViews * static_cast<double>(images);
}

}  // namespace

RunPlan plan_run(const RunConfig& config, const std::string& scratch_folder) {
  validate(config);
  const int threads = config.train.threads > 0 ? static_cast<int>(config.train.threads) : hardware_threads();
  set_torch_threads(threads);
  RunPlan plan;
  plan.available_bytes = static_cast<double>(available_memory());
  const FaceDataset dataset = planned_dataset(config);
  count_data(config, dataset, plan);
  plan.parameters = count_parameters(*make_backbone(config.backbone));
  add_up_memory(config, plan);
  warn(config, plan);
  if (plan.sum_bytes() > plan.available_bytes) return plan;

  Trainer trainer(config, dataset, scratch_folder);
  for (std::int64_t step = 0; step < kUntimedSteps; ++step) trainer.step();
  RunPlan::Measured measured;
  std::int64_t images = 0;
  const double stalled_before = trainer.stall_seconds();
  const auto start = Clock::now();
  std::vector<double> step_seconds;
  while (measured.steps < kFewestSteps || (measured.steps < kMostSteps && since(start) < kTimedSeconds)) {
    const auto step_start = Clock::now();
    images += trainer.step().images;
    step_seconds.push_back(since(step_start));
    ++measured.steps;
  }
  measured.stall_share = (trainer.stall_seconds() - stalled_before) / since(start);
  // The middle one: the first steps of a run are slower than those to come, and others may disturb some.
  const auto middle = step_seconds.begin() + static_cast<std::ptrdiff_t>(step_seconds.size() / 2);
  std::nth_element(step_seconds.begin(), middle, step_seconds.end());
  measured.images_per_s = static_cast<double>(images) / static_cast<double>(measured.steps) / *middle;
  measured.peak_bytes = static_cast<double>(peak_memory());

  if (const std::int64_t embedded = validation_images(config); embedded > 0) {
    measured.validation_seconds = seconds_to_embed(trainer, config, embedded);
    const std::int64_t every = config.validation.every_steps;
    measured.validations = 1 + (every > 0 ? (plan.steps - 1) / every : 0);
  }
  measured.hours = (*middle * static_cast<double>(plan.steps) +
                    measured.validation_seconds * static_cast<double>(measured.validations)) /
                   3600;
  if (measured.stall_share > 0.1) {
    plan.warnings.push_back(fmt::format(
        "{:.0f} % of the time is spent waiting for photos; raise data.workers", 100 * measured.stall_share));
  }
  plan.measured = measured;
  return plan;
}

}  // namespace aface
