#pragma once

#include <string>

#include "aface/model/model_card.h"
#include "aface/recognise/embed_photos.h"
#include "apps/adaptiveface/embed_flags.h"

namespace aface {

// A model that is ready to embed chips.
struct EmbedNetwork {
  ModelCard card;      // with the views that are used
  std::string digest;  // of the model; "" for weights without a card
  EmbedPixels embed;   // to rows [count, card.dim()], in any scale; for one thread at a time
};

// By the CPU engine, or by LibTorch on a GPU. Weights without a card are taken as our own training made them.
// Throws Error{kIo|kFormat} as Recogniser::open(), Error{kUsage} for a device that is not there or cannot run
// the model.
EmbedNetwork open_network(const EmbedFlags& flags);

}  // namespace aface
