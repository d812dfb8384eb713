#include "aface/config/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <set>
#include <variant>

#include "aface/config/config_reader.h"
#include "aface/config/option_list.h"
#include "aface/core/error.h"

namespace aface {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RunConfig valid_config() {
  RunConfig config;
  config.data.root = "photos";
  return config;
}

// What validate() says after `change`; "" when it is content.
std::string complaint(const std::function<void(RunConfig&)>& change) {
  RunConfig config = valid_config();
  change(config);
  try {
    validate(config);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
}

TEST(Validate, AcceptsDefaultsWithAFolder) {
  EXPECT_EQ(complaint([](RunConfig&) {}), "");
}

TEST(Validate, SourcesNeedTheirPlaces) {
  EXPECT_THAT(complaint([](RunConfig& c) { c.data.root = ""; }), HasSubstr("needs data.root"));
  EXPECT_THAT(complaint([](RunConfig& c) { c.data.source = "list"; }), HasSubstr("needs data.list"));
  EXPECT_THAT(complaint([](RunConfig& c) { c.data.list = "list.tsv"; }),
              HasSubstr("data.source must be list"));
  EXPECT_EQ(complaint([](RunConfig& c) {
              c.data.source = "synthetic";
              c.data.root = "";
            }),
            "");
}

TEST(Validate, DrawnFacesNeedNoPlaceAndLeaveNobodyOut) {
  const auto drawn = [](std::int64_t min_images) {
    return complaint([=](RunConfig& c) {
      c.data.source = "drawn";
      c.data.root = "";
      c.data.min_images = min_images;
    });
  };
  EXPECT_EQ(drawn(1), "");
  EXPECT_THAT(drawn(2), HasSubstr("raise synth.min_images"));
}

TEST(Validate, PrototypesLieInAFileOnlyWhereTheFlatTableIs) {
  EXPECT_EQ(complaint([](RunConfig& c) { c.optimizer.prototype_storage = "file"; }), "");
  EXPECT_THAT(complaint([](RunConfig& c) {
                c.optimizer.prototype_storage = "file";
                c.head.engine = "plain";
              }),
              HasSubstr("needs train.device = cpu and head.engine = auto, got cpu and plain"));
  EXPECT_THAT(complaint([](RunConfig& c) { c.optimizer.prototype_storage = "tape"; }), HasSubstr("prototype_storage"));
}

TEST(Validate, MarginsAreOrdered) {
  EXPECT_THAT(complaint([](RunConfig& c) { c.head.margin_min = 0.5; }),
              HasSubstr("margin_min <= margin_init"));
  EXPECT_THAT(complaint([](RunConfig& c) { c.head.margin_max = 0.1; }), HasSubstr("got 0, 0.35, 0.1"));
  EXPECT_EQ(complaint([](RunConfig& c) {
              c.head.kind = "cosface";  // does not read the bounds
              c.head.margin_max = 0.1;
            }),
            "");
}

TEST(Validate, LearntMarginsAreFrozenWhileTheyGrow) {
  const auto with_warmup = [](std::int64_t warmup, std::int64_t freeze) {
    return complaint([=](RunConfig& c) {
      c.head.margin_warmup_steps = warmup;
      c.head.margin_freeze_steps = freeze;
    });
  };
  EXPECT_THAT(with_warmup(10, 5), HasSubstr("must not exceed head.margin_freeze_steps"));
  EXPECT_EQ(with_warmup(10, 10), "");
}

TEST(Validate, RecipesOfTheProjectLoadAndFitTogether) {
  int recipes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(AFACE_SOURCE_DIR) + "/configs")) {
    SCOPED_TRACE(entry.path());
    RunConfig config = load_config({entry.path().string()}, {});
    ++recipes;
    // Where a user's photos lie is left to the command line.
    if (!is_built_in(config.data) && config.data.root.empty()) config.data.root = "photos";
    if (config.data.source == "list" && config.data.list.empty()) config.data.list = "list.tsv";
    if (!is_built_in(config.data) && config.validation.pairs.empty()) {
      config.validation.pairs = "pairs.txt";
      config.validation.images = "chips";
    }
    EXPECT_NO_THROW(validate(config));
  }
  EXPECT_GE(recipes, 1);
}

TEST(Validate, FixedMarginsFitTheirKind) {
  EXPECT_THAT(complaint([](RunConfig& c) { c.head.kind = "sphereface"; }), HasSubstr("head.margin >= 1"));
  EXPECT_THAT(complaint([](RunConfig& c) { c.head.precision = "fast", c.head.logit_scale = 100; }), HasSubstr("head.logit_scale of at most 80"));
  const auto with_margin = [](const char* kind, double margin) {
    return complaint([=](RunConfig& c) {
      c.head.kind = kind;
      c.head.margin = margin;
    });
  };
  EXPECT_EQ(with_margin("sphereface", 4), "");
  EXPECT_THAT(with_margin("arcface", 4), HasSubstr("radians"));
  EXPECT_THAT(with_margin("cosface", 4), HasSubstr("at most 2"));
  EXPECT_EQ(with_margin("softmax", 4), "");
}

TEST(Validate, SampledMiningNeedsABudget) {
  for (const char* kind : {"random", "feature_query"}) {
    EXPECT_THAT(complaint([&](RunConfig& c) { c.mining.kind = kind; }), HasSubstr("mining.budget > 0"))
        << kind;
  }
  EXPECT_EQ(complaint([](RunConfig& c) { c.mining.kind = "dominant_queue"; }), "");
}

TEST(Validate, TheBudgetHoldsTheIdentitiesOfABatch) {
  const auto with = [](const char* kind, std::int64_t budget, std::int64_t identities) {
    return complaint([=](RunConfig& c) {
      c.data.source = "synthetic";
      c.data.root = "";
      c.synth.identities = identities;
      c.train.batch_size = 32;
      c.mining.kind = kind;
      c.mining.budget = budget;
    });
  };
  for (const char* kind : {"random", "feature_query", "dominant_queue"}) {
    SCOPED_TRACE(kind);
    EXPECT_THAT(with(kind, 31, 200), AllOf(HasSubstr("mining.budget = 31 is below the 32 identities"),
                                           HasSubstr("raise mining.budget or lower train.batch_size")));
    EXPECT_EQ(with(kind, 32, 200), "");
    EXPECT_EQ(with(kind, 20, 20), "");  // a batch cannot hold more than there are
  }
  EXPECT_EQ(with("all", 1, 200), "");
  EXPECT_EQ(with("dominant_queue", 0, 200), "");
}

TEST(Validate, QueuesAreConsistent) {
  EXPECT_THAT(complaint([](RunConfig& c) {
                c.mining.kind = "dominant_queue";
                c.mining.max_queue_length = 10;
                c.mining.similarity_start = 0.5;
              }),
              AllOf(HasSubstr("max_queue_length"), HasSubstr("similarity_start must not exceed")));
}

TEST(Validate, InputSizeIsAMultipleOf16) {
  EXPECT_THAT(complaint([](RunConfig& c) { c.backbone.input_size = 100; }),
              HasSubstr("multiple of 16, got 100"));
}

TEST(Validate, ScheduleFitsTheRun) {
  EXPECT_THAT(complaint([](RunConfig& c) { c.optimizer.warmup_steps = c.train.steps; }),
              HasSubstr("warmup_steps"));
  const auto with_milestones = [](std::vector<double> milestones) {
    return complaint([&](RunConfig& c) {
      c.optimizer.schedule = "step";
      c.optimizer.milestones = milestones;
    });
  };
  EXPECT_THAT(with_milestones({}), HasSubstr("needs optimizer.milestones"));
  EXPECT_THAT(with_milestones({0.5, 0.5}), HasSubstr("must rise"));
  EXPECT_EQ(with_milestones({0.25, 0.5}), "");
}

TEST(Validate, ValidationHasSomethingToScore) {
  EXPECT_THAT(complaint([](RunConfig& c) { c.validation.pairs = "pairs.txt"; }), HasSubstr("go together"));
  EXPECT_THAT(complaint([](RunConfig& c) { c.validation.every_steps = 10; }), HasSubstr("nothing to score"));
  EXPECT_EQ(complaint([](RunConfig& c) {
              c.data.source = "synthetic";
              c.validation.every_steps = 10;
            }),
            "");
}

TEST(Validate, RangesAreCheckedForOptionsSetInCodeToo) {
  EXPECT_THAT(complaint([](RunConfig& c) { c.optimizer.learning_rate = std::nan(""); }),
              HasSubstr("optimizer.learning_rate must be 0 to 1000, got nan"));
  EXPECT_THAT(complaint([](RunConfig& c) { c.head.kind = "nonsense"; }),
              HasSubstr("head.kind must be one of"));
}

TEST(Validate, AllProblemsComeTogether) {
  EXPECT_THAT(complaint([](RunConfig& c) {
                c.backbone.input_size = 100;
                c.mining.kind = "random";
                c.train.steps = 0;
              }),
              AllOf(HasSubstr("input_size"), HasSubstr("mining.budget"), HasSubstr("train.steps")));
}

TEST(ResultDifferences, NamesOnlyWhatDecidesResults) {
  RunConfig a = valid_config(), b = valid_config();
  EXPECT_THAT(result_differences(a, b), IsEmpty());
  b.head.margin_init = 0.4;
  b.data.workers = 7;  // only speed
  b.optimizer.milestones = {0.5};
  EXPECT_THAT(result_differences(a, b),
              ElementsAre("head.margin_init (0.35 here, 0.4 there)",
                          "optimizer.milestones ([0.5, 0.75, 0.9] here, [0.5] there)"));
}

// Changes one value to another, whatever its type.
struct Change {
  void operator()(bool* value) const { *value = !*value; }
  void operator()(std::int64_t* value) const { ++*value; }
  void operator()(double* value) const { *value += 0.125; }
  void operator()(std::string* value) const { *value += "x"; }
  template <class T>
  void operator()(std::vector<T>* value) const { value->emplace_back(); }
};

// Every option there is: what decides results is compared, and named alone. These may differ, as they say how fast, where
// and how often something is done; the photos of another place are told by their fingerprint.
TEST(ResultDifferences, EveryOptionThatDecidesResultsIsCompared) {
  const std::set<std::string> may_differ = {
      "data.root", "data.list", "data.workers", "sampler.fewest_suspects", "mining.rebuild_threads", "mining.rebuild_niceness",
      "head.keep_cosines", "optimizer.prototype_storage", "train.log_every", "train.checkpoint_every", "train.keep_checkpoints",
      "train.keep_best", "train.channels_last", "train.threads", "validation.pairs", "validation.images", "validation.every_steps"};
  const RunConfig here = valid_config();
  RunConfig there = here;
  const std::size_t count = list_options(there).size();
  std::size_t compared = 0;
  for (std::size_t i = 0; i < count; ++i) {
    there = here;
    const Option option = list_options(there)[i];
    std::visit(Change(), option.value);
    const std::vector<std::string> differences = result_differences(here, there);
    if (may_differ.count(option.name()) > 0) {
      EXPECT_THAT(differences, IsEmpty()) << option.name();
    } else {
      EXPECT_THAT(differences, ElementsAre(HasSubstr(option.name() + " ("))) << option.name();
      ++compared;
    }
  }
  EXPECT_EQ(compared + may_differ.size(), count) << "a name above is no option any more";
}

}  // namespace
}  // namespace aface
