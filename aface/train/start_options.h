#pragma once

#include <cstdint>
#include <string>

#include "aface/core/field.h"

namespace aface {

// [start]: what a run starts from. A run that is resumed goes on from its own checkpoint instead.
struct StartOptions {
  std::string from;                      // model file or checkpoint; empty: random weights
  std::string prototypes = "carry";      // carry | mean | random
  std::int64_t images_per_identity = 0;  // photos of an identity whose embeddings make its mean; 0: all
};

template <class Visitor>
void describe(Visitor& v, StartOptions& o) {
  v.field("from", o.from,
          doc("fine-tuning: a model file or a checkpoint whose network this run starts from; empty: random "
              "weights"));
  v.field("prototypes", o.prototypes,
          doc("with start.from: carry: identities that the checkpoint knows by name keep their prototype and "
              "margin, the others start at the mean of their embeddings under the loaded network; mean: all do; "
              "random: all start as in any run")
              .choice({"carry", "mean", "random"}));
  v.field("images_per_identity", o.images_per_identity,
          doc("photos of an identity, the first of the data set, whose embeddings make its mean; 0: all")
              .at_least(0));
}

}  // namespace aface
