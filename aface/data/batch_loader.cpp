#include "aface/data/batch_loader.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/log.h"
#include "aface/core/random.h"
#include "aface/image/augment.h"

namespace aface {
namespace {

// A submitted batch on its way. Once `started`, each worker writes other images of it without a lock.
struct Slot {
  Batch batch;
  bool started = false;
  std::size_t next_image = 0;  // first that no worker has claimed
  std::size_t images_done = 0;
  std::vector<std::optional<Error>> errors;  // [batch], of images that could not be read
  std::exception_ptr failure;                // anything else that went wrong

  std::size_t count() const { return batch.sample_ids.size(); }
};

Batch without_bad_images(Batch batch, const std::vector<std::optional<Error>>& errors) {
  const std::size_t stride = static_cast<std::size_t>(batch.size_px) * batch.size_px * 3;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (errors[i]) continue;
    if (kept != i) {
      std::copy_n(&batch.pixels[i * stride], stride, &batch.pixels[kept * stride]);
      batch.identities[kept] = batch.identities[i];
      batch.sample_ids[kept] = batch.sample_ids[i];
    }
    ++kept;
  }
  batch.pixels.resize(kept * stride);
  batch.identities.resize(kept);
  batch.sample_ids.resize(kept);
  return batch;
}

}  // namespace

struct BatchLoader::State {
  State(const FaceDataset& d, const DataOptions& o, const AugmentOptions& a, int size, std::uint64_t s)
      : dataset(d), options(o), augment_options(a), size_px(size), seed(s) {}
  ~State();

  const FaceDataset& dataset;
  const DataOptions options;
  const AugmentOptions augment_options;
  const int size_px;
  const std::uint64_t seed;

  std::mutex mutex;  // guards everything below
  std::condition_variable work_there, front_done;
  std::deque<std::unique_ptr<Slot>> slots;  // in plan order
  std::vector<std::vector<std::uint8_t>> spare_pixels;
  bool stopping = false;

  // Touched by the consumer only.
  std::int64_t images_read = 0;
  std::int64_t bad_images = 0;
  double stall_seconds = 0;

  std::vector<std::thread> workers;

  std::size_t image_bytes() const { return static_cast<std::size_t>(size_px) * size_px * 3; }
  Slot* slot_with_work();
  void start(Slot& slot);
  std::optional<Error> load_image(Slot& slot, std::size_t i, PhotoBuffers& buffers) const;
  void load_images(Slot& slot, std::size_t begin, std::size_t end, PhotoBuffers& buffers) const;
  void work();
  void judge_bad_images(const Slot& slot);
};

// Here, so that workers are stopped too when the system refuses a further thread inside the constructor.
BatchLoader::State::~State() {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    stopping = true;
  }
  work_there.notify_all();
  for (auto& worker : workers) worker.join();
}

// The oldest batch that still has unclaimed images, among those that may hold pixels. Called under the lock.
Slot* BatchLoader::State::slot_with_work() {
  const auto open = std::min(slots.size(), static_cast<std::size_t>(options.prefetch));
  for (std::size_t i = 0; i < open; ++i) {
    if (slots[i]->next_image < slots[i]->count()) return slots[i].get();
  }
  return nullptr;
}

void BatchLoader::State::start(Slot& slot) {
  slot.started = true;
  slot.errors.resize(slot.count());
  if (!spare_pixels.empty()) {
    slot.batch.pixels = std::move(spare_pixels.back());
    spare_pixels.pop_back();
  }
  slot.batch.pixels.resize(slot.count() * image_bytes());
}

std::optional<Error> BatchLoader::State::load_image(Slot& slot, std::size_t i, PhotoBuffers& buffers) const {
  const std::int64_t sample_id = slot.batch.sample_ids[i];
  Result<Image> photo = dataset.photos->read(sample_id, buffers);
  if (!photo.ok()) return photo.error();
  buffers.image = std::move(photo).value();
  Random random(seed, static_cast<std::uint64_t>(slot.batch.step), static_cast<std::uint64_t>(sample_id));
  augment(buffers.image, draw_augmentation(augment_options, random), size_px,
          &slot.batch.pixels[i * image_bytes()]);
  return std::nullopt;
}

void BatchLoader::State::load_images(Slot& slot, std::size_t begin, std::size_t end, PhotoBuffers& buffers) const {
  for (std::size_t i = begin; i < end; ++i) slot.errors[i] = load_image(slot, i, buffers);
}

void BatchLoader::State::work() {
  // Small enough that the last images of a batch are spread over the workers, large enough that the lock is
  // idle.
  constexpr std::size_t kLargestClaim = 4;
  PhotoBuffers buffers;
  std::unique_lock<std::mutex> lock(mutex);
  for (;;) {
    Slot* slot = nullptr;
    work_there.wait(lock, [&] { return stopping || (slot = slot_with_work()) != nullptr; });
    if (stopping) return;
    std::exception_ptr failure;
    const std::size_t begin = slot->next_image;
    const std::size_t end = std::min(slot->count(), begin + kLargestClaim);
    slot->next_image = end;
    try {
      if (!slot->started) start(*slot);
      lock.unlock();
      load_images(*slot, begin, end, buffers);
      lock.lock();
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      failure = std::current_exception();
    }
    if (failure) {
      slot->failure = failure;
      slot->images_done += slot->count() - slot->next_image;  // nobody need load the rest
      slot->next_image = slot->count();
    }
    slot->images_done += end - begin;
    if (slot->images_done == slot->count() && slot == slots.front().get()) front_done.notify_one();
  }
}

void BatchLoader::State::judge_bad_images(const Slot& slot) {
  images_read += static_cast<std::int64_t>(slot.count());
  std::size_t bad_here = 0;
  for (const auto& error : slot.errors) {
    if (!error) continue;
    if (options.on_bad_image != "skip") throw *error;
    if (bad_images == 0) {
      log_warning("data", "left out {} (data.on_bad_image = skip); later ones are only counted",
                  error->what());
    }
    ++bad_images;
    ++bad_here;
    const auto judged_of = std::max(images_read, kImagesBeforeCap);
    if (static_cast<double>(bad_images) > options.max_bad_share * static_cast<double>(judged_of)) {
      throw Error(error->kind(),
                  fmt::format("{}; with it {} of {} images read are bad, above data.max_bad_share = {}",
                              error->what(), bad_images, images_read, options.max_bad_share));
    }
  }
  if (bad_here == slot.count()) {
    throw Error(ErrorKind::kData,
                fmt::format("step {}: none of the {} images of the batch can be read; mend the images",
                            slot.batch.step, slot.count()));
  }
}

BatchLoader::BatchLoader(const FaceDataset& dataset, const DataOptions& options,
                         const AugmentOptions& augment, int size_px, std::uint64_t seed)
    : state_(std::make_unique<State>(dataset, options, augment, size_px, seed)) {
  AFACE_CHECK(size_px > 0 && options.workers > 0 && options.prefetch > 0,
              "loader of {} px, {} workers, prefetch {}", size_px, options.workers, options.prefetch);
  for (std::int64_t i = 0; i < options.workers; ++i) state_->workers.emplace_back([this] { state_->work(); });
}

BatchLoader::~BatchLoader() = default;

void BatchLoader::submit(BatchPlan plan) {
  AFACE_CHECK(!plan.sample_ids.empty(), "step {} has no samples", plan.step);
  auto slot = std::make_unique<Slot>();
  slot->batch.step = plan.step;
  slot->batch.size_px = state_->size_px;
  slot->batch.identities.reserve(plan.sample_ids.size());
  for (const auto id : plan.sample_ids) {
    AFACE_CHECK(id >= 0 && id < state_->dataset.num_samples(), "sample {} of {}", id,
                state_->dataset.num_samples());
    slot->batch.identities.push_back(state_->dataset.identity_of(id));
  }
  slot->batch.sample_ids = std::move(plan.sample_ids);
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->slots.push_back(std::move(slot));
  }
  state_->work_there.notify_all();
}

Batch BatchLoader::next() {
  const auto asked = std::chrono::steady_clock::now();
  std::unique_ptr<Slot> slot;
  {
    std::unique_lock<std::mutex> lock(state_->mutex);
    AFACE_CHECK(!state_->slots.empty(), "next() without a submitted plan");
    Slot& front = *state_->slots.front();
    state_->front_done.wait(lock, [&] { return front.images_done == front.count(); });
    slot = std::move(state_->slots.front());
    state_->slots.pop_front();
  }
  state_->work_there.notify_all();  // one more batch may hold pixels now
  state_->stall_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count();

  if (slot->failure) std::rethrow_exception(slot->failure);
  const std::int64_t bad_before = state_->bad_images;
  state_->judge_bad_images(*slot);
  if (state_->bad_images == bad_before) return std::move(slot->batch);
  return without_bad_images(std::move(slot->batch), slot->errors);
}

void BatchLoader::recycle(Batch batch) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->spare_pixels.size() < static_cast<std::size_t>(state_->options.prefetch)) {
    state_->spare_pixels.push_back(std::move(batch.pixels));
  }
}

std::int64_t BatchLoader::bad_images() const { return state_->bad_images; }

BatchLoader::Counts BatchLoader::counts() const { return {state_->images_read, state_->bad_images}; }

void BatchLoader::set_counts(Counts counts) {
  state_->images_read = counts.images_read;
  state_->bad_images = counts.bad_images;
}

double BatchLoader::stall_seconds() const { return state_->stall_seconds; }

}  // namespace aface
