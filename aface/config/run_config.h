#pragma once

#include "aface/data/data_options.h"
#include "aface/head/head_options.h"
#include "aface/image/augment_options.h"
#include "aface/mining/miner_options.h"
#include "aface/nn/backbone_options.h"
#include "aface/sampling/sampler_options.h"
#include "aface/synth/synth_options.h"
#include "aface/train/start_options.h"
#include "aface/train/train_options.h"

namespace aface {

// Everything that decides what a run does; one TOML table per member.
struct RunConfig {
  DataOptions data;
  AugmentOptions augment;
  SynthOptions synth;
  SamplerOptions sampler;
  MinerOptions mining;
  BackboneOptions backbone;
  HeadOptions head;
  StartOptions start;
  OptimizerOptions optimizer;
  TrainOptions train;
  ValidationOptions validation;
};

// Calls v.table("data", config.data), ... in the order in which files are written.
template <class Visitor>
void for_each_table(Visitor& v, RunConfig& c) {
  v.table("data", c.data);
  v.table("augment", c.augment);
  v.table("synth", c.synth);
  v.table("sampler", c.sampler);
  v.table("mining", c.mining);
  v.table("backbone", c.backbone);
  v.table("head", c.head);
  v.table("start", c.start);
  v.table("optimizer", c.optimizer);
  v.table("train", c.train);
  v.table("validation", c.validation);
}

}  // namespace aface
