#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aface/infer/embedder.h"
#include "aface/model/model_card.h"

namespace aface {

// How images become embeddings, for every command that takes a model.
struct EmbedFlags {
  std::string model;
  std::int64_t batch_size = 64;
  int threads = 0;
  int workers = 1;
  bool single_view = false;
  std::string device = "cpu";
  std::optional<ChipNetwork> network;  // in place of `model`: one that is open already
};

std::shared_ptr<EmbedFlags> add_embed_flags(CLI::App& app);

// Tells the progress on stderr every few seconds: how far, how fast.
std::function<void(std::int64_t images_done)> embed_progress(std::int64_t images);

// Embeddings of a model, and the views that were summed for them; not known of a network that was open
// already.
struct ModelEmbeddings {
  EmbeddingMatrix matrix;
  std::optional<FlipRule> flip;
};

// Loads the model, embeds, and tells the progress on stderr. Errors are those of open_network()
// (embed_network.h) and embed_chips().
ModelEmbeddings embed_with_model(const EmbedFlags& flags, const std::string& root,
                                 const std::vector<std::string>& paths, OnBadImage on_bad_image);
ModelEmbeddings embed_with_model(const EmbedFlags& flags, const ChipSource& chips, OnBadImage on_bad_image);

}  // namespace aface
