#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "aface/io/pair_list.h"
#include "aface/io/verification_bin.h"
#include "apps/adaptiveface/embedding_input.h"

namespace aface {

// Verification pairs as users have them: a list names its images, a set brings them along.
struct PairInput {
  PairList list;
  std::optional<VerificationBin> set;
};

// --pairs and --extension.
void add_pair_flags(CLI::App& app, std::string& pairs, std::string& extension);

// Throws Error{kIo|kFormat} as the readers do.
PairInput read_pair_input(const std::string& path, const std::string& extension);

// One row for each image of the pairs; errors are those of embedding_input.h.
UnitEmbeddings load_embeddings(const EmbeddingFlags& flags, const std::string& command,
                               const PairInput& pairs);

}  // namespace aface
