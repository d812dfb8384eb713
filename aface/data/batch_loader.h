#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "aface/data/batch.h"
#include "aface/data/data_options.h"
#include "aface/data/face_dataset.h"
#include "aface/image/augment_options.h"

namespace aface {

// Which samples a step works on; drawn by the trainer, in step order.
struct BatchPlan {
  std::int64_t step = 0;
  std::vector<std::int64_t> sample_ids;
};

// Reads, augments and resizes photos on `workers` threads, in order, ahead of the consumer. Workers share
// the images of one batch and go on to the next, so a single batch is made by all of them. Pixels depend on
// (seed, step, sample id) only, never on the number of workers. One consumer thread calls submit(), next()
// and recycle().
class BatchLoader {
 public:
  // Chips are resized to size_px (area filter when shrinking). `dataset` must outlive the loader.
  BatchLoader(const FaceDataset& dataset, const DataOptions& options, const AugmentOptions& augment,
              int size_px, std::uint64_t seed);
  ~BatchLoader();  // stops the workers, finished or not

  // Never waits. At most `prefetch` of the submitted batches hold pixels at any time; later plans wait their
  // turn.
  void submit(BatchPlan plan);

  // The batch of the oldest submitted plan. Under on_bad_image = skip unreadable images are left out of it
  // (and counted); otherwise, or above max_bad_share of the images read so far (of kImagesBeforeCap while
  // fewer were read), or when no image of the batch is left, throws the image's Error. Bad images are judged
  // in plan order, so the same plans give the same outcome with any number of workers. A loader that has
  // thrown is done: destroy it.
  Batch next();

  // Optional: gives the memory of a batch back for a later one.
  void recycle(Batch batch);

  static constexpr std::int64_t kImagesBeforeCap = 1000;

  std::int64_t bad_images() const;

  // How many images were read and how many of them were bad, for a run that goes on: the share that decides when too
  // many are bad is that of the whole run.
  struct Counts {
    std::int64_t images_read = 0;
    std::int64_t bad_images = 0;
  };
  Counts counts() const;
  void set_counts(Counts counts);

  // Seconds that next() has waited so far: what the compute lost to loading.
  double stall_seconds() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace aface
