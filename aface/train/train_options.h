#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/field.h"

namespace aface {

// [train]: length, device and rhythm of a run.
struct TrainOptions {
  std::int64_t steps = 1000;
  std::int64_t batch_size = 128;
  std::int64_t seed = 1;
  std::string device = "cpu";            // cpu | cuda
  bool bf16 = false;                     // autocast to bfloat16 in the backbone
  double max_gradient_norm = 5.0;        // 0: no clipping
  std::int64_t max_rollbacks = 3;        // after a step that is not finite; then the run ends
  double rollback_rate = 0.5;            // each times the learning rate
  bool sync_batch_norm = false;          // statistics and sums of the whole batch: 1, 2, 4 and 8 ranks have the same bits
  std::int64_t log_every = 20;
  std::int64_t checkpoint_every = 500;   // steps; 0: only at the end
  std::int64_t keep_checkpoints = 2;
  std::int64_t keep_best = 1;            // of the validated steps
  // --- affects speed only
  bool channels_last = true;
  std::int64_t threads = 0;              // 0: all cores
};

template <class Visitor>
void describe(Visitor& v, TrainOptions& o) {
  v.field("steps", o.steps, doc("optimiser steps").at_least(1));
  v.field("batch_size", o.batch_size, doc("images per step").at_least(2));
  v.field("seed", o.seed, doc("of weights, sampling and augmentation").at_least(0));
  v.field("device", o.device, doc("where the network runs").choice({"cpu", "cuda"}));
  v.field("bf16", o.bf16, doc("autocast to bfloat16 in the backbone"));
  v.field("max_gradient_norm", o.max_gradient_norm, doc("of the backbone's gradient; 0: no clipping").at_least(0));
  v.field("max_rollbacks", o.max_rollbacks, doc("how often a run goes back to its last good checkpoint when a loss or gradient is not finite; then it ends").range(0, 100));
  v.field("rollback_rate", o.rollback_rate, doc("the learning rate is multiplied by this at every such return").range(0.001, 1));
  v.field("sync_batch_norm", o.sync_batch_norm, doc("batch normalisation over the batch of all ranks instead of each rank's piece, and on the CPU, for 1, 2, 4 and 8 ranks, all sums in one order: the numbers are then those of one rank, to the bit"));
  v.field("log_every", o.log_every, doc("steps between progress lines").at_least(1).speed_only());
  v.field("checkpoint_every", o.checkpoint_every, doc("steps between checkpoints; 0: only at the end").at_least(0).speed_only());
  v.field("keep_checkpoints", o.keep_checkpoints, doc("how many of the newest checkpoints stay").at_least(1).speed_only());
  v.field("keep_best", o.keep_best, doc("how many checkpoints of validated steps stay besides, those of highest accuracy").at_least(0).speed_only());
  v.field("channels_last", o.channels_last, doc("memory layout of the network").speed_only());
  v.field("threads", o.threads, doc("compute threads; 0: all cores").range(0, 1024).speed_only());
}

// [optimizer]: SGD with momentum for backbone and prototypes, and its learning rate.
struct OptimizerOptions {
  double learning_rate = 0.1;
  double momentum = 0.9;
  double weight_decay = 5e-4;                // convolutions, linear layers and prototypes
  bool decay_all = false;                    // decay biases, BatchNorm and PReLU too
  double prototype_rate_factor = 1.0;        // prototypes learn at learning_rate times this
  std::string prototype_storage = "memory";  // memory | file, in the run directory; of the CPU's table
  std::string schedule = "cosine";           // constant | step | cosine | polynomial
  std::int64_t warmup_steps = 0;             // linear from 0
  double final_share = 0.0;                  // cosine, polynomial: rate at the end / learning_rate
  double power = 2.0;                        // polynomial
  std::vector<double> milestones = {0.5, 0.75, 0.9};  // step: shares of the run
  double gamma = 0.1;                        // step: factor at each milestone
};

template <class Visitor>
void describe(Visitor& v, OptimizerOptions& o) {
  v.field("learning_rate", o.learning_rate, doc("highest rate of the schedule").range(0, 1e3));
  v.field("momentum", o.momentum, doc("of SGD").range(0, 0.9999));
  v.field("weight_decay", o.weight_decay, doc("of convolutions, linear layers and prototypes").range(0, 1));
  v.field("decay_all", o.decay_all, doc("decay biases, BatchNorm and PReLU too"));
  v.field("prototype_rate_factor", o.prototype_rate_factor, doc("prototypes learn at learning_rate times this").range(0, 1e3));
  v.field("prototype_storage", o.prototype_storage, doc("where the CPU's prototypes and their momentum lie; file: in the run directory, of which the system keeps in memory what fits").choice({"memory", "file"}).speed_only());
  v.field("schedule", o.schedule, doc("shape of the learning rate").choice({"constant", "step", "cosine", "polynomial"}));
  v.field("warmup_steps", o.warmup_steps, doc("linear growth from 0").at_least(0));
  v.field("final_share", o.final_share, doc("cosine, polynomial: last rate / learning_rate").range(0, 1));
  v.field("power", o.power, doc("polynomial: exponent").range(0.1, 10));
  v.field("milestones", o.milestones, doc("step: shares of the run at which the rate falls").range(0, 1));
  v.field("gamma", o.gamma, doc("step: factor at each milestone").range(0, 1));
}

// [validation]: verification pairs scored during training.
struct ValidationOptions {
  std::string pairs;             // pairs.txt in LFW's form; empty: none (synthetic data bring their own)
  std::string images;            // folder that its names are relative to
  std::int64_t every_steps = 0;  // 0: only at the end
};

template <class Visitor>
void describe(Visitor& v, ValidationOptions& o) {
  v.field("pairs", o.pairs, doc("pairs.txt in LFW's form; empty: none; synthetic data bring their own").speed_only());
  v.field("images", o.images, doc("folder of aligned chips that its names are relative to").speed_only());
  v.field("every_steps", o.every_steps, doc("steps between validations; 0: only at the end").at_least(0).speed_only());
}

}  // namespace aface
