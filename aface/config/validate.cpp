#include "aface/config/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>

#include "aface/config/option_list.h"
#include "aface/core/error.h"

namespace aface {
namespace {

class Rules {
 public:
  // The message says what is wanted, what is there, and by their names how to mend it.
  template <class... Args>
  void require(bool holds, fmt::format_string<Args...> format, Args&&... args) {
    if (!holds) broken_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  void throw_if_broken() const {
    if (!broken_.empty())
      throw Error(ErrorKind::kUsage, fmt::format("configuration: {}", fmt::join(broken_, "; ")));
  }

 private:
  std::vector<std::string> broken_;
};

void check_ranges(RunConfig config, Rules& rules) {
  for (const Option& option : list_options(config)) {
    const std::string problem = value_problem(option);
    rules.require(problem.empty(), "{} {}", option.name(), problem);
  }
}

void check_data(const RunConfig& c, Rules& rules) {
  const std::string& source = c.data.source;
  rules.require(is_built_in(c.data) || !c.data.root.empty(),
                "data.source = {} needs data.root, where the photos are", source);
  rules.require(source != "list" || !c.data.list.empty(),
                "data.source = list needs data.list, a file of lines path<TAB>identity");
  rules.require(source == "list" || c.data.list.empty(),
                "data.list is given, so data.source must be list, got {}", source);
  rules.require(source != "drawn" || c.data.min_images <= 1,
                "data.source = drawn leaves nobody out; raise synth.min_images instead of data.min_images = {}",
                c.data.min_images);
}

void check_mining(const MinerOptions& o, Rules& rules) {
  const bool sampled = o.kind == "random" || o.kind == "feature_query";
  rules.require(!sampled || o.budget > 0,
                "mining.kind = {} needs mining.budget > 0, the active prototypes per step", o.kind);
  if (o.kind != "dominant_queue") return;
  rules.require(o.max_queue_length >= o.queue_length,
                "mining.max_queue_length must be at least mining.queue_length, got {} and {}",
                o.max_queue_length, o.queue_length);
  rules.require(o.similarity_start <= o.similarity_end,
                "mining.similarity_start must not exceed mining.similarity_end, got {} and {}",
                o.similarity_start, o.similarity_end);
}

void check_head(const HeadOptions& o, Rules& rules) {
  rules.require(o.kind != "sphereface" || o.margin >= 1,
                "head.kind = sphereface needs head.margin >= 1 (it multiplies the angle), got {}", o.margin);
  rules.require(o.kind != "arcface" || o.margin <= 3.14159,
                "head.kind = arcface needs head.margin of at most pi (radians), got {}", o.margin);
  rules.require(o.kind != "cosface" || o.margin <= 2,
                "head.kind = cosface needs head.margin of at most 2 (cosines differ by no more), got {}",
                o.margin);
  rules.require(o.kind != "kappaface" || o.margin <= (o.margin_form == "angular" ? 1.5707 : 2),
                "head.kind = kappaface needs head.margin of at most 2, or pi/2 (radians) with margin_form = angular, got {}",
                o.margin);
  rules.require(o.precision != "fast" || o.logit_scale <= 80,
                "head.precision = fast needs head.logit_scale of at most 80 (eight-bit scores are too coarse above), got {}",
                o.logit_scale);
  if (o.kind != "adaptive_margin") return;
  rules.require(o.margin_min <= o.margin_init && o.margin_init <= o.margin_max,
                "head.margin_min <= margin_init <= margin_max must hold, got {}, {}, {}", o.margin_min,
                o.margin_init, o.margin_max);
  rules.require(o.margin_warmup_steps <= o.margin_freeze_steps,
                "head.margin_warmup_steps must not exceed head.margin_freeze_steps for learnt margins, got {} and {}",
                o.margin_warmup_steps, o.margin_freeze_steps);
}

void check_schedule(const RunConfig& c, Rules& rules) {
  const OptimizerOptions& o = c.optimizer;
  rules.require(o.warmup_steps < c.train.steps,
                "optimizer.warmup_steps must be below train.steps, got {} and {}", o.warmup_steps,
                c.train.steps);
  if (o.schedule != "step") return;
  rules.require(!o.milestones.empty(), "optimizer.schedule = step needs optimizer.milestones");
  const auto not_rising =
      std::adjacent_find(o.milestones.begin(), o.milestones.end(), std::greater_equal<>());
  rules.require(not_rising == o.milestones.end(), "optimizer.milestones must rise");
}

void check_storage(const RunConfig& c, Rules& rules) {
  rules.require(c.optimizer.prototype_storage == "memory" || (c.train.device == "cpu" && c.head.engine == "auto"),
                "optimizer.prototype_storage = {} needs train.device = cpu and head.engine = auto, got {} and {}",
                c.optimizer.prototype_storage, c.train.device, c.head.engine);
}

void check_validation(const RunConfig& c, Rules& rules) {
  const ValidationOptions& o = c.validation;
  rules.require(o.pairs.empty() == o.images.empty(),
                "validation.pairs and validation.images go together; {} is empty",
                o.pairs.empty() ? "validation.pairs" : "validation.images");
  const bool built_in = is_built_in(c.data) && c.synth.heldout_identities > 0;
  rules.require(
      o.every_steps == 0 || built_in || !o.pairs.empty(),
      "validation.every_steps = {} has nothing to score; give validation.pairs and validation.images",
      o.every_steps);
}

}  // namespace

void validate(const RunConfig& config) {
  Rules rules;
  check_ranges(config, rules);
  check_data(config, rules);
  check_mining(config.mining, rules);
  if (is_built_in(config.data)) {  // of other sources only the trainer knows how many identities there are
    const std::string problem = budget_problem(config.mining, config.train.batch_size, config.synth.identities);
    rules.require(problem.empty(), "{}", problem);
  }
  rules.require(config.backbone.input_size % 16 == 0, "backbone.input_size must be a multiple of 16, got {}",
                config.backbone.input_size);
  check_head(config.head, rules);
  check_schedule(config, rules);
  check_storage(config, rules);
  check_validation(config, rules);
  rules.throw_if_broken();
}

std::vector<std::string> result_differences(const RunConfig& a, const RunConfig& b) {
  RunConfig here = a, there = b;
  const auto left = list_options(here), right = list_options(there);
  std::vector<std::string> differences;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const std::string x = value_as_toml(left[i]), y = value_as_toml(right[i]);
    if (left[i].info.affects_results && x != y) {
      differences.push_back(fmt::format("{} ({} here, {} there)", left[i].name(), x, y));
    }
  }
  return differences;
}

}  // namespace aface
