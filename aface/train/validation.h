#pragma once

#include <string>

#include "aface/eval/verification.h"
#include "aface/infer/embedder.h"
#include "aface/io/pair_list.h"
#include "aface/train/train_options.h"

namespace aface {

class Backbone;

// Scores a network on verification pairs by LFW's rule. The list is read and the images are looked for at once, so
// that a wrong path is found before training, not after it.
class Validator {
 public:
  // Throws Error{kIo|kFormat|kData} for an unusable list or missing images.
  Validator(const ValidationOptions& options, const EmbedOptions& embed);

  VerificationReport run(Backbone& backbone) const;

 private:
  std::string images_;
  PairList pairs_;
  EmbedOptions embed_;
};

}  // namespace aface
